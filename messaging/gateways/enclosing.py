"""A mail and the documents that go with it -> one mail (RFC 2046, `multipart/mixed`). Pure."""

import base64
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from messaging.letters import Attachment

_CONTENT_TYPE: Final = re.compile(rb"Content-Type: [^\r]*\r\n(?:[ \t][^\r]*\r\n)*")
_LINE: Final = 57  # bytes that make 76 letters of base64


def enclose(mail: bytes, enclosures: Sequence[tuple[Attachment, bytes]]) -> bytes:
    """The mail with these documents behind its text. The boundary cannot stand in it: base64 and quoted-printable have
    no "=_" (see `mail`), and the boundary of the mail's own parts goes on with another letter."""
    head, _, body = mail.partition(b"\r\n\r\n")
    head += b"\r\n"
    own = _CONTENT_TYPE.search(head)
    assert own is not None
    mark = b"=_with_documents"
    parts = [
        head[: own.start()],
        b'Content-Type: multipart/mixed;\r\n boundary="' + mark + b'"\r\n',
        head[own.end() :],
        b"\r\n--" + mark + b"\r\n" + own[0] + b"\r\n",
        body,
    ]
    for attachment, content in enclosures:
        parts += (b"--", mark, b"\r\n", _headers(attachment), b"\r\n", _in_lines(content))
    return b"".join((*parts, b"--", mark, b"--\r\n"))


def _headers(attachment: Attachment) -> bytes:
    name = attachment.name
    plain = name if name.isascii() else f"{attachment.purpose}.pdf"
    said = f'filename="{plain}"' if name.isascii() else f"filename*=UTF-8\'\'{quote(name, safe='')}"  # RFC 2231
    return (
        f'Content-Type: application/pdf;\r\n name="{plain}"\r\nContent-Disposition: attachment;\r\n {said}\r\n'
        "Content-Transfer-Encoding: base64\r\n"
    ).encode("ascii")


def _in_lines(content: bytes) -> bytes:
    """Base64 in lines of 76. Not by `base64.encodebytes`, whose list of lines takes several times as much memory."""
    coded, lines = base64.b64encode(content), bytearray()
    for begin in range(0, len(coded), _LINE // 3 * 4):
        lines += coded[begin : begin + _LINE // 3 * 4] + b"\r\n"
    return bytes(lines)
