"""PDFs for tests: as small as the format allows, sound or broken in one way."""

import zlib


def make_pdf(*, catalog: bytes = b"", trailer: bytes = b"", objects: tuple[bytes, ...] = (), words: str = "") -> bytes:
    """A whole PDF 1.5 of one empty page. `catalog`, `trailer`: more entries there; `words`: a comment, to tell them
    apart."""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
        *objects,
    ]
    made, offsets = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n%" + words.encode() + b"\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(made))
        made += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    index = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    entries = b"<< /Size %d /Root 1 0 R " % (len(bodies) + 1) + trailer + b" >>"
    return made + head + index + b"trailer\n" + entries + b"\nstartxref\n%d\n%%%%EOF\n" % len(made)


def stream(content: bytes, entries: bytes = b"", *, is_deflated: bool = True) -> bytes:
    packed = zlib.compress(content) if is_deflated else content
    deflated = b"/Filter /FlateDecode " if is_deflated else b""
    return b"<< " + deflated + entries + b" /Length %d >>\nstream\n" % len(packed) + packed + b"\nendstream"
