"""Is this a PDF that may go to a buyer? A rule: bytes in, a reason against it out. Pure, and linear in what it reads.

Not a reader of PDFs: it does not believe the file about itself. Every stream is unfolded and looked through, whatever
its dictionary calls it, and the names of what acts by itself (scripts, programs, forms that send, files within the
file) are looked for everywhere, however they are spelt (ISO 32000-1, 7.3.5 allows any letter as #xx). What cannot be
looked into is refused.
"""

import base64
import re
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

MOST_UNFOLDED: Final = 100_000_000  # bytes of all streams together; a brochure of 10 MB comes to half of it
MOST_STREAMS: Final = 20_000
PIECE: Final = 4096
TAIL: Final = 2048


class Unsound(StrEnum):
    """Why a file is not taken, for the person who chose it."""

    EMPTY = "The file is empty."
    NOT_PDF = "This is not a PDF, whatever its name says. Save the document as PDF and choose that file."
    BROKEN = "This PDF is not whole: its end is missing. Save it anew."
    MORE = "Something else stands behind the end of this PDF. Save it anew."
    ENCRYPTED = "This PDF is encrypted or protected. Save it without a password: the buyer could not open it."
    ACTIVE = (
        "This PDF can act by itself: it holds a script, a form that sends something, a file or a film. Print it into a "
        "new PDF, and choose that."
    )
    OPAQUE = "This PDF is packed in a way that cannot be looked through. Print it into a new PDF, and choose that."


def _spelt(*names: str) -> re.Pattern[bytes]:
    """Any of these names, each of its letters plain or as #xx, and no longer name that begins with it."""
    letters = ("".join(f"(?:{letter}|#{ord(letter):02x}|#{ord(letter):02X})" for letter in name) for name in names)
    return re.compile(f"/(?=[A-Z#])(?:{'|'.join(letters)})(?![A-Za-z0-9_#])".encode())


_ENCRYPTED: Final = _spelt("Encrypt")
# Long names only: in megabytes of packed pictures a short one stands by chance.
_ACTIVE: Final = _spelt(
    "JavaScript", "Launch", "SubmitForm", "ImportData", "EmbeddedFile", "EmbeddedFiles", "RichMedia", "Rendition",
    "GoToE", "Filespec",
)  # fmt: skip
_FORMS_OF_XML: Final = b"http://ns.adobe.com/xdp/"  # XFA: a form of scripts, in XML
_OPAQUE: Final = _spelt("LZWDecode", "RunLengthDecode", "ASCIIHexDecode", "Crypt")
_OBJECTS: Final = _spelt("First")
_PREDICTED: Final = _spelt("Predictor")
_STREAM: Final = re.compile(rb"stream[ \t]*(?:\r\n|\n|\r)")
_ROOT: Final = _spelt("Root")
_ASCII85: Final = re.compile(rb"[!-uz\s]*")


def examine(content: bytes) -> Unsound | None:
    """What speaks against sending this file as a PDF; None: nothing."""
    if not content:
        return Unsound.EMPTY
    if not re.match(rb"%PDF-(?:1\.[0-7]|2\.0)[\r\n ]", content):
        return Unsound.NOT_PDF
    if (wrong := _of_its_end(content)) is not None:
        return wrong
    if _ENCRYPTED.search(content):
        return Unsound.ENCRYPTED
    if _OPAQUE.search(content) or _hides_objects(content):
        return Unsound.OPAQUE
    try:
        for part in (content, *_unfolded(content)):
            if _ACTIVE.search(part) or _FORMS_OF_XML in part:
                return Unsound.ACTIVE
    except OverflowError:
        return Unsound.OPAQUE
    return None


def _of_its_end(content: bytes) -> Unsound | None:
    """The last lines say where the index of the objects is; behind them there is nothing."""
    tail = content[-TAIL:]
    end = re.search(rb"startxref\s+([0-9]{1,10})\s+%%EOF(?!.*startxref)", tail, re.DOTALL)
    if end is None:
        whole = re.search(rb"startxref\s+[0-9]{1,10}\s+%%EOF", content)
        return Unsound.MORE if whole else Unsound.BROKEN
    if tail[end.end() :].strip(b"\x00\t\n\x0c\r "):
        return Unsound.MORE
    index = content[int(end[1]) :][:20]
    is_index = re.match(rb"\s*(?:xref\b|[0-9]{1,10}\s+[0-9]{1,5}\s+obj\b)", index)
    return None if is_index and _ROOT.search(content) else Unsound.BROKEN


def _hides_objects(content: bytes) -> bool:
    """Does a stream of objects (its dictionary needs /First) shift its bytes by a predictor? Then no name is whole."""
    begin = 0
    for found in _STREAM.finditer(content):
        dictionary = content[max(begin, found.start() - TAIL) : found.start()]
        if _OBJECTS.search(dictionary) and _PREDICTED.search(dictionary):
            return True
        begin = found.end()
    return False


def _unfolded(content: bytes) -> Iterator[bytes]:
    """Every stream that can be unfolded. Raises OverflowError when they are too many, or come to too much."""
    left, view, end = MOST_UNFOLDED, memoryview(content), -1
    for number, found in enumerate(_STREAM.finditer(content)):
        if number == MOST_STREAMS:
            raise OverflowError
        packed = view[found.end() :]
        # Text may stand around what is deflated. It is looked at once more for each stream in it: that counts, too.
        if end < found.end():
            end = content.find(b"~>", found.end())
            end = len(content) if end < 0 else end
        text = _ASCII85.match(content, found.end(), end)
        left -= len(text[0]) if text else 0
        if text and text[0] and text.end() == end < len(content) and left >= 0:
            decoded = _decoded(text[0])
            yield decoded
            packed = memoryview(decoded)
        opened = _inflated(packed, left)
        left -= len(opened)
        yield opened


def _decoded(text: bytes) -> bytes:
    try:
        return base64.a85decode(text, ignorechars=b" \t\n\r\x0b\x00\x0c")
    except ValueError:
        return b""


def _inflated(packed: memoryview, most: int) -> bytes:
    """As far as it goes: readers show what comes before a damage. Raises OverflowError for more than so many bytes."""
    if most < 0:
        raise OverflowError
    if len(packed) < 2 or packed[0] & 15 != 8 or (packed[0] << 8 | packed[1]) % 31:
        return b""  # it is not deflated
    unfolding, opened = zlib.decompressobj(), bytearray()
    # Piece by piece: a stream ends long before the file does, and what is left over would be copied.
    for begin in range(0, len(packed), PIECE):
        try:
            opened += unfolding.decompress(packed[begin : begin + PIECE], most + 1 - len(opened))
        except zlib.error:
            break
        if len(opened) > most:
            raise OverflowError
        if unfolding.eof:
            break
    return bytes(opened)
