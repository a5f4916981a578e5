"""Ways out of Amazon in a text: links, names of websites, e-mail addresses, telephone numbers. Pure, linear time.

In: folded text (`folding.fold`), so that width, invisible characters and look-alikes do not hide anything. What is
spaced out or spelled out counts too. Order ids, prices, dates, sizes and article numbers are none of these.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from amazon.marketplaces import MARKETPLACES
from campaigns.compliance.findings import MOST, Hit
from campaigns.compliance.folding import Folded

# Domains that a buyer would know as such; among those of two letters, without the endings of common files.
_GENERIC: Final = (
    "com|net|org|info|biz|shop|store|online|site|website|xyz|app|dev|page|link|club|top|blog|live|click|email|support"
    "|help|me|io|co|tv|cc|ly|gg|to|ai|pro|mobi|name|eu|asia|cloud|digital|agency|company|express|gift|gifts|deals|promo"
    "|sale|market|global|world|life|today|space|tech|fun|vip|work|zone|plus|center|care|review|reviews|social|media"
)
_COUNTRY: Final = (
    "de|uk|fr|it|es|nl|pl|se|be|at|ch|ie|pt|tr|ca|mx|br|us|au|nz|in|jp|cn|kr|sg|hk|tw|ae|sa|eg|za|ru|ua|cz|sk|hu|ro|bg"
    "|gr|dk|no|fi|ee|lv|lt|si|hr|rs|il|lu|li|is|my|th|vn|ph|id|ar|cl|pe"
)
_TLD: Final = rf"(?:{_GENERIC}|{_COUNTRY})"
_SHORTENERS: Final = frozenset(
    "bit.ly t.co goo.gl tinyurl.com ow.ly is.gd buff.ly rebrand.ly cutt.ly rb.gy amzn.to a.co t.ly lnkd.in shorturl.at"
    " qr.ae tiny.cc s.id v.gd linktr.ee fb.me wa.me t.me youtu.be geni.us bl.ink soo.gd clck.ru".split()
)
_AMAZON: Final = frozenset(marketplace.domain.removeprefix("www.") for marketplace in MARKETPLACES)
_PARTS_OF_AMAZON: Final = tuple(f".{domain}" for domain in _AMAZON)
_PRODUCT_PAGES: Final = re.compile(r"/(?:dp|gp/product|stores?|shops?|sp|s)(?:[/?]|$)")
_OPT_OUT: Final = re.compile(
    r"unsubscri|opt-?out|abmeld|abbestell|desabonn|desinscri|disiscri|cancella-iscri|haisin-?teishi"
)

_LINK: Final = re.compile(
    r"(?:https?|ftp|hxxps?)\s?:\s?/\s?/\s?[^\s<>\"'）」]{0,2000}|\bmailto:\S{1,300}|\b(?:tel|sms|whatsapp):[+0-9]\S{0,60}",
    re.ASCII,
)
_LABEL: Final = r"[a-z0-9-]{1,63}"
_DOMAIN: Final = re.compile(
    rf"(?<![\w.@/-])(?:www\s?\.\s?)?(?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,5}}{_TLD}(?![\w-])(?!\.[a-z0-9])"
    r"(?:/[^\s<>\"']{0,500})?",
    re.ASCII,
)
_HOST: Final = re.compile(r"[a-z0-9.-]+")
_WWW: Final = re.compile(rf"(?<![\w.])www\s{{0,2}}\.\s{{0,2}}{_LABEL}(?:\.{_LABEL}){{0,4}}(?:/\S{{0,500}})?", re.ASCII)
_NAMES_OF_DOT: Final = r"(?:dot|punkt|point|punto)"
_DOT: Final = (
    rf"\s{{0,2}}(?:[\[({{<]\s{{0,2}}(?:{_NAMES_OF_DOT}|\.)\s{{0,2}}[\])}}>]|\s{_NAMES_OF_DOT}\s|ドット)\s{{0,2}}"
)
_SPELLED_DOMAIN: Final = re.compile(
    rf"(?<![\w.-])[a-z0-9-]{{2,63}}(?:{_DOT}){_TLD}(?!\w)"
    r"|(?<![\w.-])[a-z0-9-]{2,63}(?:\s\.\s?|\s?\.\s)(?:com|net|org|info|shop|biz)(?![\w])",
    re.ASCII,
)
_SIGN_OF_DOT: Final = re.compile(rf"\s\.|\.\s|[\[({{<]\s{{0,2}}\.|{_NAMES_OF_DOT}|ドット")
_PUNYCODE: Final = re.compile(rf"(?<![\w.-])(?:{_LABEL}\.){{0,3}}xn--[a-z0-9-]{{1,60}}(?:\.{_LABEL}){{0,3}}", re.ASCII)
_NUMERIC_HOST: Final = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?/[^\s]{0,200}", re.ASCII)
_NAMES_OF_AT: Final = r"(?:arroba|chiocciola|arobase|klammeraffe)"
_AT: Final = rf"\s{{0,2}}(?:@|[\[({{<]\s{{0,2}}(?:@|at|ät|{_NAMES_OF_AT})\s{{0,2}}[\])}}>]|アットマーク)\s{{0,2}}"
_SIGN_OF_AT: Final = re.compile(rf"@|アットマーク|[\s\[({{<](?:at|ät|{_NAMES_OF_AT})[\s\])}}>]")
_LOCAL_PART: Final = r"(?<![\w.+-])[\w.+-]{1,64}"
_EMAIL: Final = re.compile(
    rf"{_LOCAL_PART}(?:{_AT})(?:{_LABEL}(?:\.|{_DOT})){{1,4}}[a-z]{{2,24}}(?![\w])"
    rf"|{_LOCAL_PART}\s{_NAMES_OF_AT}\s{_LABEL}(?:{_DOT}{_LABEL}){{0,2}}(?:\.|{_DOT}){_TLD}(?!\w)"
    rf"|{_LOCAL_PART}\s(?:at|{_NAMES_OF_AT})\s(?:gmail|outlook|hotmail|yahoo|icloud|gmx|proton|aol|web)\b",
    re.ASCII,
)
_ORDER_ID: Final = re.compile(r"(?<![0-9])[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9])")
_DIGITS: Final = re.compile(r"(?<![\w.,:/#-])[+(]?[0-9](?:[ ().\-–/·_]{0,3}[0-9]){6,20}(?![\w])", re.ASCII)
_DATE: Final = re.compile(r"^(?:[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./] ?[0-9]{1,2}[-./] ?[0-9]{2,4})")
_PHONE_WORDS: Final = re.compile(
    r"\b(?:call|phone|telephone|tel|mobile|cell|whatsapp|sms|text us|fax|hotline|dial|ring us"
    r"|anruf\w{0,5}|ruf\w{0,3}|telefon\w{0,6}|handy|appel\w{0,4}|telephon\w{0,4}|portable"
    r"|llam\w{0,6}|telefono|movil|chiam\w{0,5}|cellulare|viber|wechat|line id)\b|電話|でんわ|携帯|ファックス",
    re.ASCII,
)
_SHAPES: Final = re.compile(
    r"^(?:\+|00[1-9])|^\(0?[0-9]{1,5}\)|^0[0-9]{1,5}[ /.\-–(]"
    r"|^1?[ .\-]?\(?[2-9][0-9]{2}\)?[ .\-–][0-9]{3}[ .\-–][0-9]{4}$|^[0-9](?:[ .\-–·_]{1,3}[0-9]){8,}$"
)
_NEAR: Final = 40
_NUMBER_WORDS: Final = frozenset(
    "zero oh one two three four five six seven eight nine double triple"
    " null eins zwo zwei drei vier funf sechs sieben acht neun"
    " un une deux trois quatre cinq six sept huit neuf"
    " cero uno dos tres cuatro cinco seis siete ocho nueve"
    " due tre quattro cinque sei sette otto nove".split()
)
_WORDS: Final = re.compile(r"[a-z]+")
_KANJI_NUMBER: Final = re.compile(r"[〇零一二三四五六七八九](?:[\s\-ーの]?[〇零一二三四五六七八九]){8,20}")
_SPELLED_LENGTH: Final = 7
_MANY_NUMBERS: Final = b"\x01" * _SPELLED_LENGTH


def hits(folded: Folded, original: str) -> Iterator[Hit]:
    """In the folded text. What lies within another hit is not told twice."""
    reached = 0
    times: Counter[str] = Counter()
    for hit in sorted(_all(folded, original), key=lambda hit: (hit.start, -hit.end)):
        if hit.end > reached:
            reached = hit.end
            times[hit.rule] += 1
            if hit.rule and times[hit.rule] <= MOST:
                yield hit


def _all(folded: Folded, original: str) -> Iterator[Hit]:
    text = folded.text
    for found in _LINK.finditer(text) if ":" in text else ():
        # Without a rule it is allowed: what lies within it is no finding either.
        yield Hit(rule_of_link(re.sub(r"\s", "", found[0])) or "", found.start(), found.end())
    for pattern in _names_of_websites(text):
        for found in pattern.finditer(text):
            if (rule := _rule_of_domain(found[0])) and not _begins_a_sentence(found, folded, original):
                yield Hit(rule, found.start(), found.end())
    for found in _EMAIL.finditer(text) if _SIGN_OF_AT.search(text) else ():
        yield Hit("email_address", found.start(), found.end())
    yield from _phones(text)


def _names_of_websites(text: str) -> Iterator[re.Pattern[str]]:
    """The patterns that can be in this text at all, by signs that are sooner looked for."""
    if "." in text:
        yield _DOMAIN
    if "www" in text:
        yield _WWW
    if "xn--" in text:
        yield _PUNYCODE
    if "/" in text and "." in text:
        yield _NUMERIC_HOST
    if _SIGN_OF_DOT.search(text):
        yield _SPELLED_DOMAIN


def _begins_a_sentence(found: re.Match[str], folded: Folded, original: str) -> bool:
    """A full stop without a blank after it: "arrived.It works" names no website."""
    written = original[slice(*folded.span(found.start(), found.end()))]
    last = written.partition("/")[0].rpartition(".")[2]
    return last[:1].isupper() and not last.isupper() and not written.lower().startswith("www")


def rule_of_link(url: str) -> str | None:
    """What is wrong with this link; None: nothing. A placeholder for a link of Amazon's is none."""
    url = url.strip().rstrip(".,;:!?)”\"'")
    lowered = url.lower()
    if lowered.startswith("mailto:"):
        return "email_address"
    if lowered.startswith(("tel:", "sms:", "whatsapp:")):
        return "phone_number"
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return "external_link"
    if "\\" in url or not _HOST.fullmatch(host):  # a browser reads these otherwise than we do
        return "external_link"
    if _OPT_OUT.search(lowered):
        return "opt_out_link"
    if host in _SHORTENERS:
        return "link_shortener"
    if not is_amazons(host) or parts.username is not None:
        return "external_link"
    if parts.scheme.lower() != "https":
        return "insecure_link"
    return "product_link" if _PRODUCT_PAGES.search(parts.path) else None


def is_amazons(host: str) -> bool:
    """Exactly one of Amazon's shops, or a part of it: no look-alike."""
    return host in _AMAZON or host.endswith(_PARTS_OF_AMAZON)


@lru_cache(maxsize=1024)
def _rule_of_domain(written: str) -> str | None:
    name = "".join(written.split()).partition("/")[0].removeprefix("www.")
    if is_amazons(name):
        return None
    if name in _SHORTENERS:
        return "link_shortener"
    labels = name.split(".")
    if len(labels) > 1 and len(labels[-2]) < 2 and "www" not in written and "/" not in written:
        return None  # z.b., d.h., e.g. and other short forms
    if len(labels) == 2 and labels[0].isdigit() and "/" not in written:
        return None  # a number and a unit: "10.in"
    return "bare_domain"


def _phones(text: str) -> Iterator[Hit]:
    order_ids = {found.start(): found.end() for found in _ORDER_ID.finditer(text)}
    for found in _DIGITS.finditer(text):
        if found.start() not in order_ids and _is_phone(found[0], text[max(0, found.start() - _NEAR) : found.start()]):
            yield Hit("phone_number", found.start(), found.end())
    yield from _spelled(text)
    for found in _KANJI_NUMBER.finditer(text) if not text.isascii() else ():
        yield Hit("phone_number", found.start(), found.end())


def _is_phone(written: str, before: str) -> bool:
    digits = sum(character.isdigit() for character in written)
    if _ORDER_ID.search(written) or _DATE.match(written):
        return False
    if _PHONE_WORDS.search(before):
        return 6 <= digits <= 16
    return 8 <= digits <= 16 and bool(_SHAPES.match(written))


def _spelled(text: str) -> Iterator[Hit]:
    """Seven or more names of digits after one another."""
    if _MANY_NUMBERS not in bytes(map(_NUMBER_WORDS.__contains__, _WORDS.findall(text))):
        return
    start = end = count = 0
    for found in _WORDS.finditer(text):
        is_near = found.start() - end <= 3
        if found[0] in _NUMBER_WORDS:
            if not count or not is_near:
                start, count = found.start(), 0
            count, end = count + 1, found.end()
            continue
        if count >= _SPELLED_LENGTH:
            yield Hit("phone_number", start, end)
        count = 0
    if count >= _SPELLED_LENGTH:
        yield Hit("phone_number", start, end)
