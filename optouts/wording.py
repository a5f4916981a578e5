"""Texts made comparable: a rule.

Flow: MIME walk -> [wording] -> reading. HTML becomes lines of visible *and hidden* text (Amazon's preheader is hidden
and holds the order id a second time), header fields are decoded, and both are normalised: one kind of blank, dash and
quotation mark, no invisible characters, one case. All linear, on text cut to 64 K characters.
"""

import binascii
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from optouts.mime import TextPart, decode_text

MAX_CHARACTERS = 64 * 1024
MAX_TAGS = 10_000  # nested tags are quadratic in the HTML parser: 10,000 take 0.2 s, 50,000 take 7 s
MAX_LINKS = 500
MAX_ENCODED_WORDS = 50
_MOST_SHOWN = 1_000

_BLOCKS = frozenset(
    "address article aside blockquote body br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li "
    "main nav ol p pre section table tbody td tfoot th thead title tr ul".split()
)
_UNREAD = frozenset({"script", "style", "template", "noscript", "-comment", "-doctype", "head"})

_INVISIBLE = dict.fromkeys(
    [0x00, 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0]
    + list(range(0x200B, 0x2010)) + list(range(0x202A, 0x202F)) + list(range(0x2060, 0x2070))
    + list(range(0xFE00, 0xFE10))
)  # fmt: skip
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2043, 0x2212, 0xFE58, 0xFE63, 0xFF0D], "-")
_QUOTES = dict.fromkeys([0x2018, 0x2019, 0x201A, 0x201B, 0x2032, 0x2BC, 0x60, 0xB4, 0xFF07], "'") | dict.fromkeys(
    [0x201C, 0x201D, 0x201E, 0x201F, 0x2033, 0xFF02], '"'
)
_ONE_KIND = {**_INVISIBLE, **_DASHES, **_QUOTES}
_BLANKS = re.compile(r"\s+")
_ORDER_ID_APART = re.compile(
    r"(?<![0-9-])([0-9](?:\n?[0-9]){2})[ \n]?-[ \n]?([0-9](?:\n?[0-9]){6})[ \n]?-[ \n]?([0-9](?:\n?[0-9]){6})(?![0-9-])"
)
"""An order id with blanks around its hyphens, or broken by the end of a line: mail programs that wrap Japanese or
Chinese text break it between any two characters."""
_PIECES = re.compile(r"(?s:.{1,1000}(?=\s|\Z)|.{1,1000})")  # NFKC is quadratic in runs of combining marks
_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:-]{1,40})(?:\*[A-Za-z-]{1,20})?\?([BbQq])\?([^?\s]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
_PLAIN_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"]{1,1000}")
_ROUND_LINKS = " \t\r\n)]}.,;:"  # what programs write after a link in plain text: `[words](mailto:address).`
_WRAPPED_MAILTO = re.compile(r"^https?://[^?#]{1,200}\?.{0,40}mailto%3a([^&#]{1,300})", re.IGNORECASE)
_ANGLE_ADDRESS = re.compile(r"<([a-z0-9._+-]{1,80}@[a-z0-9.-]{1,80})(?:\?[^<>]{0,200})?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """One readable part: its lines (normalised, in order) and its links as they were written."""

    lines: tuple[str, ...]
    links: tuple[str, ...] = ()

    def flat(self) -> str:
        """Return all lines as one, blanks collapsed, order ids whole."""
        return one_line(self.lines)


def read(part: TextPart) -> Text:
    """Return the lines and links of a text part. HTML with too many tags is read as nothing."""
    if part.is_html:
        text, links = _html(part.text)
    else:
        text = part.text
        angles = (f"mailto:{address}" for address in _ANGLE_ADDRESS.findall(text[:MAX_CHARACTERS]))
        links = [*_PLAIN_LINK.findall(text[:MAX_CHARACTERS])[:MAX_LINKS], *angles]
    return Text(normalise_lines(text), tuple(links[:MAX_LINKS]))


def normalise_lines(text: str) -> tuple[str, ...]:
    """Return the lines of `text` in comparable spelling; empty ones are left out."""
    text = text[:MAX_CHARACTERS].translate(_ONE_KIND)
    # NFKC can make eighteen characters of one: cut again. Quotes go first, for it splits an acute accent in two.
    text = "".join(unicodedata.normalize("NFKC", piece) for piece in _PIECES.findall(text))
    text = text[:MAX_CHARACTERS].translate(_ONE_KIND).casefold()
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return tuple(line for line in lines if line)


def normalise(text: str) -> str:
    """Return `text` as one comparable line."""
    return one_line(normalise_lines(text))


def one_line(lines: Iterable[str]) -> str:
    """Return normalised lines as one, in which an order id is never spelt apart (see `_ORDER_ID_APART`)."""
    whole = _ORDER_ID_APART.sub(lambda found: "-".join(found.groups()).replace("\n", ""), "\n".join(lines))
    return _BLANKS.sub(" ", whole).strip()


def decode_header(value: bytes | None) -> str:
    """Return a header value as text, with its encoded words (RFC 2047) decoded. Never raises."""
    text = decode_text((value or b"")[:MAX_CHARACTERS], "")
    if "=?" not in text:
        return text
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1", text), count=MAX_ENCODED_WORDS)


def mail_addresses(links: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses of the `mailto:` links, as written, each once, in order; those that a filter wrapped too."""
    found = [unquote(link[7:].partition("?")[0]).strip(_ROUND_LINKS) for link in links if link[:7].lower() == "mailto:"]
    found += [unquote(match[1]).partition("?")[0].strip() for link in links if (match := _WRAPPED_MAILTO.search(link))]
    return tuple(dict.fromkeys(found))


def _decode_word(match: re.Match[str]) -> str:
    charset, kind, content = match.groups()
    try:
        if kind in "Bb":
            payload = binascii.a2b_base64(content + "===")
        else:
            payload = binascii.a2b_qp(content.encode("ascii", "replace"), header=True)
    except (binascii.Error, ValueError):
        return match[0]
    return decode_text(payload, charset)


def _html(source: str) -> tuple[str, list[str]]:
    if source.count("<") > MAX_TAGS:
        return "", []
    tree = LexborHTMLParser(source)
    links = [link for node in tree.css("a[href]")[:MAX_LINKS] if (link := node.attributes.get("href"))]
    return "".join(_visible(tree.root)), links


def _visible(root: LexborNode | None) -> list[str]:
    """Collect the text under `root`, a line break around blocks, inline text joined without any.

    Joined, for Amazon may put the order id into a link of its own: `[<a>1-2-3</a>]` is one word.
    """
    pieces: list[str] = []
    node, links = root, 0
    top = root.mem_id if root is not None else 0  # `==` on nodes compares their whole HTML
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            pieces.append((node.text_content or "").replace("\n", " "))
        elif tag in _BLOCKS:
            pieces.append("\n")
        elif tag == "a" and links < MAX_LINKS:
            links += 1
            pieces.append(_address_behind(node))
        following = None if tag in _UNREAD or tag == "-text" else node.child
        while following is None and node is not None and node.mem_id != top:
            following = node.next
            if following is None:
                node = node.parent
                if node is not None and (node.tag or "") in _BLOCKS:
                    pieces.append("\n")
            elif tag in _BLOCKS:
                pieces.append("\n")
        node = following
    return pieces


def _address_behind(link: LexborNode) -> str:
    """Return the address that a link leads to, if it shows another one: a sender may have chosen that for his name."""
    addresses = mail_addresses((link.attributes.get("href") or "",))
    shown = link.text()[:_MOST_SHOWN].lower() if addresses else ""
    return f"<{addresses[0]}> " if "@" in shown and addresses[0].lower() not in shown else ""
