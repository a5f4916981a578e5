"""The parts of a mail, in bounds: a rule.

Flow: authenticity -> [MIME walk] -> reading. Body bytes go in; readable texts, attached mails and the names of other
parts come out. The standard library's parser is not used: 2,000 nested parts end in RecursionError there, each nesting
level slows every line, and it reads an attached mail in base64 as empty. Archives and documents are never opened.
"""

import binascii
import quopri
import re
from dataclasses import dataclass, field
from enum import StrEnum

from optouts.rawgate import RawMessage

MAX_DEPTH = 20
MAX_PARTS = 50
MAX_PART_TEXT = 512 * 1024
MAX_TEXT = 2 * 1024 * 1024
_MAX_VALUE = 4096
_MAX_PARAMETERS = 20

_TYPE = re.compile(r"\s*([a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60})\s*(?:;|$)", re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([a-z0-9_*-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.IGNORECASE)
_PART_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_MAILS = frozenset({"message/rfc822", "message/global"})
_ANYTHING = frozenset(
    {"application/octet-stream", "application/x-eml", "application/eml", "text/x-eml", "message/x-eml"}
)
_MAIL_BEGINS = re.compile(
    rb"\s{0,9}(?:return-path|delivered-to|received|dkim-signature|arc-[a-z-]{4,30}|authentication-results|from|to|date|"
    rb"subject|message-id|mime-version|content-type|x-[a-z0-9-]{2,40}):[ \t]",
    re.IGNORECASE,
)
_MAIL_NAME = re.compile(r"\.eml(?:\?=)?\s{0,9}$|LmVtbA={0,2}\?=$|=2Eeml\?=$", re.IGNORECASE)
_OTHER_NAME = re.compile(r"\.[a-z0-9]{1,6}$", re.IGNORECASE)
_TOLD_BY_NAME = ((".msg", "application/vnd.ms-outlook"), ("winmail.dat", "application/ms-tnef"))
_JAPANESE_ESCAPE = b"\x1b$"
_CJK = re.compile("[\u2e80-\uffef]")
_HIRAGANA = re.compile("[\u3041-\u3096]")
_MANY_BYTES = frozenset(
    {"utf-16", "utf-16-le", "utf-16-be", "cp932", "euc_jp", "gb18030", "big5", "big5hkscs", "cp949"}
)
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be"})
"""Of two bytes for each character: in text with blanks and line ends, and in no other, one of the two is a NUL."""
_MANY_NULS = 8
_MANY_BYTES |= {"euc_kr", "iso2022_jp_ext", "iso2022_jp_2", "iso2022_jp_3"}

_CHARSETS = {
    "us-ascii": "utf-8", "ascii": "utf-8", "utf-8": "utf-8", "utf8": "utf-8",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "iso-8859-2": "iso8859-2", "iso-8859-9": "cp1254",
    "iso-8859-15": "iso8859-15", "windows-1250": "cp1250", "cp1250": "cp1250", "windows-1252": "cp1252",
    "cp1252": "cp1252", "windows-1254": "cp1254", "cp1254": "cp1254", "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-jp-1": "iso2022_jp_ext",
    "iso-2022-jp-2": "iso2022_jp_2", "iso-2022-jp-3": "iso2022_jp_3", "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext", "cp50221": "iso2022_jp_ext", "utf-16": "utf-16", "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be", "x-sjis": "cp932", "sjis": "cp932", "ms_kanji": "cp932", "x-euc-jp": "euc_jp",
    "shift_jis": "cp932", "shift-jis": "cp932", "windows-31j": "cp932", "cp932": "cp932", "euc-jp": "euc_jp",
    "koi8-r": "koi8_r", "windows-1251": "cp1251", "windows-1253": "cp1253", "windows-1255": "cp1255",
    "windows-1256": "cp1256", "windows-1257": "cp1257", "windows-874": "cp874", "iso-8859-5": "iso8859-5",
    "iso-8859-7": "iso8859-7", "iso-8859-8": "iso8859-8", "iso-8859-13": "iso8859-13", "iso-8859-16": "iso8859-16",
    "macintosh": "mac_roman", "x-mac-roman": "mac_roman", "cp936": "gb18030", "big5-hkscs": "big5hkscs",
    "ks_c_5601-1987": "cp949", "cp949": "cp949", "gb18030": "gb18030",
    "gbk": "gb18030", "gb2312": "gb18030", "big5": "big5", "euc-kr": "euc_kr",
}  # fmt: skip
"""The charsets that a mail may name. Others are guessed: Python knows "charsets" such as zlib and rot13."""


class MimeRefusal(StrEnum):
    """Why the parts of a mail were not read. The values are sentences for people."""

    TOO_DEEP = "The parts of the mail are nested too deeply."
    TOO_MANY_PARTS = "The mail has too many parts."
    TOO_MUCH_TEXT = "The mail holds too much text."
    BROKEN_MULTIPART = "The mail says that it has parts, but not where they begin."


@dataclass(frozen=True, slots=True)
class TextPart:
    """One text/plain or text/html part, decoded."""

    is_html: bool
    text: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mail holds. `content_type` is that of the whole; `attached` are raw mails (message/rfc822)."""

    content_type: str
    texts: tuple[TextPart, ...] = ()
    attached: tuple[bytes, ...] = ()
    other_types: frozenset[str] = frozenset()
    refusal: MimeRefusal | None = None


@dataclass(slots=True)
class _Found:
    texts: list[TextPart] = field(default_factory=list)
    attached: list[bytes] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Leaf:
    content_type: str
    parameters: dict[str, str]
    encoding: str
    body: bytes
    depth: int
    is_named_mail: bool = False
    is_named_otherwise: bool = False


def walk(message: RawMessage) -> Parts:
    """Return the parts of `message`. Never raises; beyond a limit the answer is a refusal without texts."""
    found = _Found()
    content_type, parameters = parse_content_type(message.get("content-type"))
    encoding = _ascii(message.get("content-transfer-encoding")).lower()
    waiting = [_Leaf(content_type, parameters, encoding, message.body, 0)]
    seen = 0
    while waiting:
        part = waiting.pop()
        seen += 1
        refusal = MimeRefusal.TOO_MANY_PARTS if seen > MAX_PARTS else _visit(part, waiting, found)
        if refusal is not None:
            return Parts(content_type, refusal=refusal)
    return Parts(content_type, tuple(found.texts), tuple(found.attached), frozenset(found.others))


def parse_content_type(value: bytes | None) -> tuple[str, dict[str, str]]:
    """Return the lower-case type and the first 20 parameters. What cannot be read is text/plain (RFC 2045, 5.2)."""
    text = _ascii(value)
    match = _TYPE.match(text)
    if match is None or len(text) > _MAX_VALUE:
        return "text/plain", {}
    parameters: dict[str, str] = {}
    for count, item in enumerate(_PARAMETER.finditer(text)):
        if count == _MAX_PARAMETERS:
            break
        quoted = item[2]
        value_text = item[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        parameters.setdefault(item[1].lower(), value_text)
    return match[1].lower(), parameters


def decode_text(payload: bytes, charset: str) -> str:
    """Return `payload` as text: by the named charset where it fits, else by what its bytes look like. Never raises.

    Labels lie: a forwarder writes a body anew and keeps the old label, or names none. Bytes beyond ASCII that are valid
    UTF-8 are UTF-8, for text in a charset of one byte for each character is so by no accident.
    """
    codec = _CHARSETS.get(charset.strip().lower().strip("'\""))
    if codec not in _WIDE:
        codec = _wide(payload) or codec
    if _JAPANESE_ESCAPE in payload and codec in (None, "utf-8", "cp1252"):
        codec = "iso2022_jp_ext"  # a known trouble of forwarders: the label is lost, the escapes are not
    if codec in _MANY_BYTES:
        real = _strictly(payload, "utf-8")
        if real is not None and (_CJK.search(real) or (codec in _WIDE and 0 not in payload)):
            return real
        named = _strictly(payload, codec)
        return named if named is not None else _guess(payload, codec)
    if payload.isascii():
        return payload.decode("ascii")
    return _guess(payload, codec or "cp1252")


def _wide(payload: bytes) -> str | None:
    """Return the UTF-16 whose NULs these are, for they stand on one side of the pairs. Other text has none."""
    first, second = (payload[side::2].count(0) for side in (0, 1))
    if max(first, second) < _MANY_NULS or max(first, second) < _MANY_NULS * min(first, second):
        return None
    return "utf-16-be" if first > second else "utf-16-le"


def _guess(payload: bytes, codec: str) -> str:
    """Return text whose label does not fit, or need not: UTF-8, Japanese if it shows hiragana, else by the label."""
    text = _strictly(payload, "utf-8")
    if text is not None and not payload.isascii():
        return text
    labelled = payload.decode(codec, "replace")
    if codec == "utf-8":
        spoilt = labelled.count("\ufffd")
        if sum(not letter.isascii() for letter in labelled) >= 2 * spoilt:
            return labelled  # some bytes were lost on the way
        labelled = payload.decode("cp1252", "replace")
    for other in ("cp932", "euc_jp"):
        japanese = _strictly(payload, other)
        if japanese is not None and len(_HIRAGANA.findall(japanese)) > 2:
            return japanese
    return labelled


def _strictly(payload: bytes, codec: str) -> str | None:
    try:
        return payload.decode(codec)
    except UnicodeError:
        return None


def _visit(part: _Leaf, waiting: list[_Leaf], found: _Found) -> MimeRefusal | None:
    if part.content_type.startswith("multipart/"):
        return _open(part, waiting)
    if part.content_type in _MAILS or (part.is_named_mail and part.content_type in _ANYTHING | {"text/plain"}):
        found.attached.append(_decode(part))
        return None
    if part.content_type in _ANYTHING and not part.is_named_otherwise and _MAIL_BEGINS.match(original := _decode(part)):
        found.attached.append(original)  # whose name is lost, or written in a way that only its client reads
        return None
    if part.content_type not in ("text/plain", "text/html"):
        found.others.add(part.content_type)
        return None
    payload = _decode(part)
    found.size += len(payload)
    if len(payload) > MAX_PART_TEXT or found.size > MAX_TEXT:
        return MimeRefusal.TOO_MUCH_TEXT
    text = decode_text(payload, part.parameters.get("charset", ""))
    found.texts.append(TextPart(part.content_type == "text/html", text))
    return None


def _open(part: _Leaf, waiting: list[_Leaf]) -> MimeRefusal | None:
    boundary = part.parameters.get("boundary", "").encode("ascii", "replace")
    if not boundary or len(boundary) > 200:
        return MimeRefusal.BROKEN_MULTIPART
    if part.depth >= MAX_DEPTH:
        return MimeRefusal.TOO_DEEP
    pieces = _split(part.body, boundary)
    if len(pieces) > MAX_PARTS:
        return MimeRefusal.TOO_MANY_PARTS
    if not pieces:
        return MimeRefusal.BROKEN_MULTIPART
    # RFC 2046, 5.1.5: what a digest holds are mails, unless it says otherwise.
    usual = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    waiting.extend(_leaf(piece, part.depth + 1, usual) for piece in reversed(pieces))
    return None


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """Return the bytes between the boundary lines (RFC 2046, 5.1.1); a missing last line is forgiven."""
    pieces: list[bytes] = []
    start: int | None = None
    delimiter = b"\r\n--" + boundary
    body = b"\r\n" + body
    position = body.find(delimiter)
    while position >= 0 and len(pieces) <= MAX_PARTS:
        line_end = body.find(b"\r\n", position + 2)
        line_end = len(body) if line_end < 0 else line_end
        rest = body[position + len(delimiter) : line_end].strip(b" \t")
        if rest in (b"", b"--"):
            if start is not None:
                pieces.append(body[start:position])
            start = None if rest else line_end + 2
            if rest:
                return pieces
        position = body.find(delimiter, line_end)
    if start is not None:
        pieces.append(body[start:])
    return pieces


def _leaf(piece: bytes, depth: int, usual: str) -> _Leaf:
    if piece.startswith(b"\r\n"):
        head, body = b"", piece[2:]
    else:
        head, _, body = piece.partition(b"\r\n\r\n")
    fields: dict[str, bytes] = {}
    for line in _FOLD.sub(b"", head[: _MAX_VALUE * 4]).split(b"\r\n"):
        match = _PART_FIELD.match(line)
        if match is not None:
            fields.setdefault(match[1].decode("ascii").lower(), match[2])
    content_type, parameters = parse_content_type(fields.get("content-type"))
    if "content-type" not in fields:
        content_type = usual
    encoding = _ascii(fields.get("content-transfer-encoding")).strip().lower()
    _, disposition = parse_content_type(b"x/x;" + fields.get("content-disposition", b"").partition(b";")[2])
    given = [*parameters.items(), *disposition.items()]
    names = [value for name, value in given if name.startswith(("name", "filename"))]
    if content_type in _ANYTHING:
        told = (kind for ending, kind in _TOLD_BY_NAME if any(name.lower().endswith(ending) for name in names))
        content_type = next(told, content_type)
    return _Leaf(
        content_type, parameters, encoding, body, depth,
        is_named_mail=any(_MAIL_NAME.search(name) for name in names),
        is_named_otherwise=any(_OTHER_NAME.search(name) for name in names),
    )  # fmt: skip


def _decode(part: _Leaf) -> bytes:
    if part.encoding == "quoted-printable":
        return quopri.decodestring(part.body)
    if part.encoding != "base64":
        return part.body
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", part.body)
    try:
        return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")
    except binascii.Error:
        return b""


def _ascii(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace").strip()
