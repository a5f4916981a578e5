"""Mails by which a provider asks whether a mailbox may forward to us: a rule.

Flow: unwrapping -> parsing -> [setup_mails]. Recognised by sender and link, for the subject comes in every language and
Gmail's since 2026 without its code (INBOUND.md 2.3). The link is shown to the seller and never followed by us: whoever
knows an inbound address could otherwise have us approve his own forwarding.

A provider that is not known is recognised by its words: "verify" or "confirm", a link or a code, and one of the
seller's own inbound addresses. Its link is shown as text that cannot be clicked.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from optouts.wording import Text, normalise


@dataclass(frozen=True, slots=True)
class Provider:
    """A mailbox provider: exact senders, or domains where nobody but its staff has an address, and its links."""

    name: str
    senders: frozenset[str]
    domains: frozenset[str]
    link: re.Pattern[str]
    words: re.Pattern[str] | None = None
    """What must stand in subject or text, for senders that write about other things too."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the seller needs to confirm his forwarding. Each may be missing; shown only when DKIM passed.

    `link` is on a host of the provider and may be clickable; `unknown_link` never.
    """

    link: str | None = None
    code: str | None = None
    mailbox: str | None = None
    provider: str = ""
    unknown_link: str | None = None


_FORWARDING = re.compile(
    r"forward|weiterleit|reenv|transf[eé]r|transfert|inoltr|encaminh|reencaminh|doorst|przekaz|przesył|vidarebefordr|"
    r"vidareb|yönlendir|iletme|videresend|továbbít|přepos|prosljeđ|redirec|redirig|přesměr|presmer|preusmj|preusmer|átirány|omdirig|пересыл|переадрес|переслат|пересил|προώθ|"
    r"転送|转发|轉寄|轉發|전달|ส่งต่อ|chuyển tiếp|توجيه|העבר"
)
_CONFIRMING = re.compile(
    r"confirm|verif|bestätig|überprüf|vérifi|conferm|bevestig|potwierd|weryfik|bekräft|verifiera|doğrula|onayla|"
    r"bekræft|bekreft|vahvist|megerősít|ověř|potvrd|подтвер|підтвер|επιβεβα|確認|認証|验证|驗證|确认|確認|확인|"
    r"인증|ยืนยัน|xác nhận|"
    r"تأكيد|אישור|אמת"
)
_TAIL = r"[A-Za-z0-9%._~!$&'()*+,;=:@/?-]{0,1500}"
PROVIDERS: tuple[Provider, ...] = (
    # `/mail/vf-` confirms; `/mail/uf-`, one letter away, cancels.
    Provider(
        "Gmail",
        frozenset({"forwarding-noreply@google.com", "forwarding-noreply@googlemail.com"}),
        frozenset(),
        re.compile(r"https://(?:mail-settings|mail)\.google\.com/mail/vf-[A-Za-z0-9%._~-]{8,600}"),
    ),
    Provider(
        "Zoho Mail",
        frozenset(),
        frozenset({"zohomail.com", "zohocorp.com", "mail.zoho.com", "zohoaccounts.com"}),
        re.compile(r"https://(?:mail|accounts|mailadmin)\.zoho\.(?:com|eu|in|jp|sa|ca|com\.au|com\.cn)/" + _TAIL),
        _FORWARDING,
    ),
    Provider(
        "Yahoo Mail",
        frozenset({"no-reply@cc.yahoo-inc.com"}),
        frozenset({"cc.yahoo-inc.com", "yahoo-inc.com", "communications.yahoo.com"}),
        re.compile(r"https://(?:[a-z]{2}-[a-z]{2}\.)?(?:mail|login|edit|mail\.login)\.yahoo\.com/" + _TAIL),
        _FORWARDING,
    ),
    Provider(
        "QQ Mail",
        frozenset({"10000@qq.com", "service@mail.qq.com", "mailadmin@qq.com"}),
        frozenset(),
        re.compile(r"https://(?:[a-z0-9]{1,8}\.)?mail\.qq\.com/" + _TAIL),
        _FORWARDING,
    ),
)

SENDERS: frozenset[str] = frozenset(sender for provider in PROVIDERS for sender in provider.senders)

_SUBJECT_CODE = re.compile(r"\(#([0-9]{6,12})\)")
_BODY_CODE = re.compile(r"confirmation code ?: ?([0-9]{6,12})(?![0-9])")
_ANY_CODE = re.compile(
    r"(?:code|kennzahl|código|codice|\bkode?[nu]?\b|\bkód|\bkod[iu]?\b|koodi|κωδικ|\bкод|コード|[码碼]|코드|인증|"
    r"รหัส|\bmã\b|رمز|קוד).{0,120}?(?<![0-9])(?<![0-9][.:/-])([0-9]{4,9})(?![.:/-]?[0-9])"
)
_ADDRESS = re.compile(r"(?<![a-z0-9._+-])[a-z0-9._+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5}(?![a-z0-9-])")
_MAX_ADDRESSES = 20
_MAX_LINK = 1_500


def provider_of(address: str, subject: str, texts: tuple[Text, ...]) -> Provider | None:
    """Return the known provider whose question this is, if its signature proves the sender; else None."""
    domain = address.rpartition("@")[2]
    for provider in PROVIDERS:
        if address in provider.senders or domain in provider.domains:
            words = [normalise(subject), *(text.flat() for text in texts)]
            if provider.words is None or any(provider.words.search(item) for item in words):
                return provider
    return None


def find_confirmation(provider: Provider, subject: str, texts: tuple[Text, ...]) -> Confirmation:
    """Return link, code and asking mailbox, as far as they are there."""
    plain = normalise(subject)
    flats = [text.flat() for text in texts]
    links = (provider.link.fullmatch(link) for text in texts for link in text.links)
    link = next((match[0] for match in links if match), None)
    codes = [_SUBJECT_CODE.search(plain), *(_BODY_CODE.search(flat) for flat in flats)]
    mailboxes = [_ADDRESS.search(plain), *(_ADDRESS.search(flat) for flat in flats)]
    return Confirmation(
        link=link,
        code=next((match[1] for match in codes if match), None),
        mailbox=next((match[0] for match in mailboxes if match), None),
        provider=provider.name,
    )


def find_unknown(subject: str, texts: tuple[Text, ...], is_ours: Callable[[str], bool]) -> Confirmation | None:
    """Return what looks like the question of a provider that is not known, or None.

    All are needed: a word for forwarding, a word for confirming, a link or a code, and one of the seller's inbound
    addresses.
    """
    flat = " ".join([normalise(subject), *(text.flat() for text in texts)])
    if not (_CONFIRMING.search(flat) and _FORWARDING.search(flat)):
        return None
    addresses = list(dict.fromkeys(match[0] for match in _ADDRESS.finditer(flat)))[:_MAX_ADDRESSES]
    ours = [address for address in addresses if is_ours(address)]
    links = (link for text in texts for link in text.links)
    link = next((link for link in links if _is_web(link)), None)
    code = _ANY_CODE.search(_ADDRESS.sub("", flat))  # an address may hold digits
    if not ours or (link is None and code is None):
        return None
    mailbox = next((address for address in addresses if address not in ours), None)
    return Confirmation(code=code[1] if code else None, mailbox=mailbox, unknown_link=link and link[:_MAX_LINK])


def _is_web(link: str) -> bool:
    try:
        return urlsplit(link[:_MAX_LINK]).scheme in ("http", "https")
    except ValueError:
        return False
