"""Opt-out notices made to measure, signed with keys that exist only for this test run.

The DKIM signer here is written from RFC 6376 and shares no code with what verifies in the product. `Mail` is changed
with `dataclasses.replace`, built with `build()`, and signed by `sign`.
"""

import base64
import hashlib
import quopri
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from optouts.authenticity import DnsTrouble
from optouts.grading import Context

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
INBOUND = "o-abcdefghijklmnopqrst@in.example.net"
MAILBOX = "alice@shop.example"
ORDER = "407-1111111-2222222"
ALIAS = "x7c2m9q4t1w8z5b@marketplace.amazon.it"
SIGNED = ("Date", "From", "Reply-To", "To", "Message-ID", "Subject", "MIME-Version", "Content-Type")

IT_PREHEADER = (
    "Non siamo stati in grado di recapitare il messaggio inviato a {name} per l'ordine {order} perché l'acquirente ha "
    "scelto di non ricevere messaggi non richiesti dai venditori."
)
IT_MAIN = (
    "non siamo stati in grado di recapitare il messaggio che hai inviato a {name} il 2026-09-10 per l'ordine [{order}] "
    "perché l’acquirente ha scelto di non ricevere messaggi non richiesti dai venditori."
)
IT_SUBJECT = "Il tuo messaggio all'acquirente non è stato consegnato."
EN_SUBJECT = "Your message to a buyer could not be delivered"
EN_SENTENCE = (
    "We were unable to deliver the message you sent for order [{order}] because the buyer has chosen to opt out of "
    "receiving unsolicited messages from sellers."
)
FR_SUBJECT = "Votre message qui était adressé à un acheteur n’a pas pu être transmis"
FR_SENTENCE = (
    "Nous ne sommes pas parvenus à transmettre votre message au sujet de la commande {order}, car l’acheteur a choisi "
    "de ne pas recevoir de messages non sollicités de la part des vendeurs."
)
JA_SUBJECT = "購入者へのメッセージを送信できませんでした"
JA_SENTENCE = (
    "購入者が出品者からの未承諾広告メールを受信しないように設定しているため、"
    "注文 {order} に関するメッセージを送信できませんでした。"
)


@dataclass(frozen=True)
class Mail:
    """A mail before it is signed. `extra` are unsigned fields above the others; `parts` makes it multipart."""

    sender: str = '"Amazon.it" <auto-communication@amazon.com>'
    to: str = INBOUND
    subject: str = IT_SUBJECT
    body: str = ""
    content_type: str = "text/html"
    charset: str = "UTF-8"
    encoding: str = "quoted-printable"
    is_alternative: bool = True
    message_id: str = "<0102-test-000000@eu-west-1.amazonses.com>"
    extra: tuple[tuple[str, str], ...] = ()
    trailer: tuple[tuple[str, str], ...] = ()

    def build(self) -> bytes:
        """Return the raw mail, CRLF, unsigned."""
        fields = [
            *self.extra,
            ("Date", format_datetime(NOW)),
            ("From", self.sender),
            ("Reply-To", self.sender),
            ("To", self.to),
            ("Message-ID", self.message_id),
            ("Subject", encoded_word(self.subject, self.charset)),
            ("MIME-Version", "1.0"),
        ]
        inner = [("Content-Type", f"{self.content_type}; charset={self.charset}"),
                 ("Content-Transfer-Encoding", self.encoding)]  # fmt: skip
        body = encode(self.body.encode(self.charset), self.encoding)
        if not self.is_alternative:
            return _lines([*fields, *inner, *self.trailer]) + b"\r\n" + body
        boundary = "----=_Part_1_2.3"
        top = _lines([*fields, ("Content-Type", f'multipart/alternative;\r\n\tboundary="{boundary}"'), *self.trailer])
        mark = boundary.encode()
        part = b"--" + mark + b"\r\n" + _lines(inner) + b"\r\n" + body
        return top + b"\r\n" + part + b"\r\n--" + mark + b"--\r\n"


@dataclass(frozen=True)
class Signer:
    """A domain with a key of its own."""

    domain: str
    selector: str = "test"
    bits: int = 1024

    @property
    def record(self) -> str:
        """The TXT record of the key."""
        public = _key(self.bits).public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()

    @property
    def name(self) -> str:
        """Where the record is published."""
        return f"{self.selector}._domainkey.{self.domain}."

    def sign(
        self, raw: bytes, *, at: datetime | None = NOW, signed: Iterable[str] = SIGNED,
        tags: Mapping[str, str | None] | None = None, length: int | None = None,
    ) -> bytes:  # fmt: skip
        """Return `raw` under a relaxed/simple signature of this domain. `tags` are added; None takes one away."""
        head, _, body = raw.partition(b"\r\n\r\n")
        canonical = re.sub(rb"(\r\n)*\Z", b"", body) + b"\r\n"
        covered = canonical if length is None else canonical[:length]
        present = {name.lower() for name, _ in _fields(head)}
        names = [name for name in signed if name.lower() in present]
        values: dict[str, str | None] = {
            "v": "1", "a": "rsa-sha256", "q": "dns/txt", "c": "relaxed/simple", "s": self.selector, "d": self.domain,
            "t": str(int(at.timestamp())) if at else None, "h": ":".join(names),
            "bh": base64.b64encode(hashlib.sha256(covered).digest()).decode(),
            "l": None if length is None else str(length), **(tags or {}), "b": "",
        }  # fmt: skip
        text = "; ".join(f"{name}={value}" for name, value in values.items() if value is not None)
        chosen = _last_of_each(_fields(head), names)
        lines = [_relaxed(name, value) for name, value in chosen]
        digest_input = b"".join(lines) + _relaxed("dkim-signature", text.encode()).removesuffix(b"\r\n")
        signature = _key(self.bits).sign(digest_input, padding.PKCS1v15(), hashes.SHA256())
        return b"DKIM-Signature: " + text.encode() + base64.b64encode(signature) + b"\r\n" + raw


AMAZON = Signer("amazon.com")
AMAZON_JP = Signer("amazon.co.jp")
SES = Signer("amazonses.com")
GOOGLE = Signer("google.com")
GMAIL = Signer("gmail.com")
EVIL = Signer("evil.example")
SIGNERS = (AMAZON, AMAZON_JP, SES, GOOGLE, GMAIL, EVIL)


class FakeDns:
    """A resolver of our own: the signers' keys; `trouble` names are SERVFAIL, `missing` ones do not exist."""

    def __init__(
        self, *, trouble: bool = False, missing: bool = False, records: Mapping[str, str] | None = None
    ) -> None:
        self.trouble, self.missing = trouble, missing
        self.records = {signer.name: signer.record for signer in SIGNERS} | dict(records or {})
        self.asked: list[str] = []

    def txt(self, name: str, /) -> bytes | None:
        """Return the record, None, or raise DnsTrouble."""
        self.asked.append(name)
        if self.trouble:
            raise DnsTrouble("SERVFAIL")
        record = None if self.missing else self.records.get(name)
        return None if record is None else record.encode(errors="surrogateescape")


@dataclass
class Seller:
    """What a seller's context looks like to the examination."""

    inbound: str = INBOUND
    mailboxes: frozenset[str] = field(default_factory=lambda: frozenset({MAILBOX}))

    def context(self, now: datetime = NOW) -> Context:
        """Return it as the examination wants it."""
        domain = self.inbound.partition("@")[2]
        return Context(lambda address: address == self.inbound, self.mailboxes, now, our_domain=domain)


def italian_html(
    order: str = ORDER, *, name: str = "Paola", alias: str | None = ALIAS, second: str | None = None
) -> str:
    """Return the body of the attested notice of 2026; `second` is another id for the main paragraph."""
    link = f'<a href="mailto:{alias}?subject= [Importante]">e-mail all\'acquirente</a>' if alias else "e-mail"
    return (
        "<html><head><title>x</title><style>p{color:red}</style></head><body>\r\n"
        '<div style="display:none;mso-hide:all">\r\n\t' + IT_PREHEADER.format(name=name, order=order) + "\r\n</div>"
        "<table><tr><td><h1><p>Gentile Venditore,</p><p>" + IT_MAIN.format(name=name, order=second or order) + "</p>"
        f"<p>Puoi usare la parola [Importante] nella tua {link}.</p></h1></td></tr></table></body></html>\r\n"
    )


ITALIAN = Mail(body=italian_html())
ENGLISH = Mail(
    sender='"Amazon.com" <auto-communication@amazon.com>',
    subject=EN_SUBJECT,
    content_type="text/plain",
    is_alternative=False,
    body="Dear Seller,\r\n\r\n" + EN_SENTENCE.format(order=ORDER) + "\r\n",
)
FRENCH = Mail(
    sender='"Amazon.fr" <auto-communication@amazon.com>',
    subject=FR_SUBJECT,
    encoding="base64",
    body=f"<html><body><p>Cher vendeur,</p><p>{FR_SENTENCE.format(order=ORDER)}</p></body></html>",
)
JAPANESE = Mail(
    sender='"Amazon.co.jp" <auto-communication@amazon.co.jp>',
    subject=JA_SUBJECT,
    content_type="text/plain",
    charset="ISO-2022-JP",
    encoding="7bit",
    is_alternative=False,
    body="出品者様\r\n\r\n" + JA_SENTENCE.format(order=ORDER) + "\r\n",
)
ATTESTED = {"it-2026": ITALIAN, "en-2017": ENGLISH, "fr-2018": FRENCH, "ja-2018": JAPANESE}


def signed(mail: Mail = ITALIAN, *, at: datetime = NOW) -> bytes:
    """Return `mail` as Amazon sends it: signed by its own domain and by SES."""
    raw = mail.build()
    author = AMAZON_JP if "amazon.co.jp" in mail.sender else AMAZON
    return author.sign(SES.sign(raw, at=at), at=at)


def gmail_forwarded(raw: bytes, mailbox: str = MAILBOX, inbound: str = INBOUND) -> bytes:
    """Return `raw` with what a Gmail filter puts above it (INBOUND.md 2.1)."""
    local = mailbox.replace("@", "+caf_=" + inbound.replace("@", "=") + "@")
    return (
        f"Return-Path: <{local}>\r\nDelivered-To: {inbound}\r\n"
        f"Received: by mail-ed1.google.com with SMTP id 1; {format_datetime(NOW)}\r\n"
        "X-Google-DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=1e100.net; s=1; b=AAAA\r\n"
        f"X-Forwarded-To: {inbound}\r\nX-Forwarded-For: {mailbox} {inbound}\r\nDelivered-To: {mailbox}\r\n"
    ).encode() + raw


def attached(*originals: bytes, sender: str = "Bob <bob@evil.example>", encoding: str = "7bit") -> bytes:
    """Return a mail of a person with `originals` attached as message/rfc822."""
    boundary = f"OUTER-{sum(map(len, originals))}"
    mark = b"--" + boundary.encode()
    parts = b"".join(
        mark
        + b"\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: "
        + encoding.encode()
        + b"\r\n\r\n"
        + encode(original, encoding)
        + b"\r\n"
        for original in originals
    )
    fields = [("Date", format_datetime(NOW)), ("From", sender), ("To", INBOUND), ("Message-ID", "<outer@x>"),
              ("Subject", "Fwd: notices"), ("MIME-Version", "1.0"),
              ("Content-Type", f'multipart/mixed; boundary="{boundary}"')]  # fmt: skip
    return _lines(fields) + b"\r\n" + parts + mark + b"--\r\n"


def encoded_word(text: str, charset: str) -> str:
    """Return `text` as RFC 2047 encoded words when it is not ASCII."""
    if text.isascii():
        return text
    words = []
    for start in range(0, len(text), 20):
        payload = base64.b64encode(text[start : start + 20].encode(charset)).decode()
        words.append(f"=?{charset}?B?{payload}?=")
    return "\r\n ".join(words)


def encode(payload: bytes, encoding: str) -> bytes:
    """Return `payload` under a content transfer encoding."""
    if encoding == "base64":
        return base64.encodebytes(payload).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(payload.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return payload


@cache
def _key(bits: int) -> rsa.RSAPrivateKey:
    return _short_key(bits) if bits < 1024 else rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _short_key(bits: int) -> rsa.RSAPrivateKey:
    """A key that the library would not make any more. Fermat's test is good enough for numbers of our own choice."""
    primes: list[int] = []
    while len(primes) < 2:
        candidate = secrets.randbits(bits // 2) | 3 << (bits // 2 - 2) | 1
        if candidate % 65537 != 1 and pow(2, candidate - 1, candidate) == 1 and candidate not in primes:
            primes.append(candidate)
    p, q = primes
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def _lines(fields: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def _fields(head: bytes) -> list[tuple[str, bytes]]:
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n")
    return [(line.partition(b":")[0].decode(), line.partition(b":")[2]) for line in unfolded]


def _last_of_each(fields: list[tuple[str, bytes]], names: list[str]) -> list[tuple[str, bytes]]:
    by_name = {name.lower(): (name, value) for name, value in fields}
    return [by_name[name.lower()] for name in names]


def _relaxed(name: str, value: bytes) -> bytes:
    return name.lower().encode() + b":" + re.sub(rb"[ \t]+", b" ", value).strip() + b"\r\n"
