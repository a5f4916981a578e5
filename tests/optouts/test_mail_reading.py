"""The parts that reading a mail is made of: gate, MIME walk, wording, resolvers."""

import codecs
from dataclasses import replace

import dns.exception
import dns.resolver
import pytest

from optouts import mime, resolving
from optouts.authenticity import DnsTrouble, SignatureResult, authenticate
from optouts.mime import MimeRefusal, Parts, TextPart, decode_text, parse_content_type, walk
from optouts.rawgate import GateRefusal, RawMessage, inspect, parse_mailbox
from optouts.resolving import DnsResolver, RecordedResolver
from optouts.wording import decode_header, mail_addresses, normalise, read
from tests.notices.builder import AMAZON, NOW, SIGNED, FakeDns, Mail, signed

START = b"From: a@b.example\r\n"


# Gate


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"", GateRefusal.NO_BODY),
        (START, GateRefusal.NO_BODY),
        (b"\r\n" + START + b"\r\n", GateRefusal.BAD_FIELD),
        (b"To: a@b.example\r\n\r\n", GateRefusal.NO_SENDER),
        (b"From: \r\n\r\n", GateRefusal.BAD_SENDER),
        (b"From: a@b.example, c@d.example\r\n\r\n", GateRefusal.BAD_SENDER),
        (b"From: a@b.example c@d.example\r\n\r\n", GateRefusal.BAD_SENDER),
        (b"From alice\r\n" + START + b"\r\n", GateRefusal.MBOX_LINE),
        (START + b"X: \0\r\n\r\n", GateRefusal.BARE_NEWLINE),
        (START + b"X: a\rb\r\n\r\n", GateRefusal.BARE_NEWLINE),
        (START + b"X: a\nb\r\n\r\n", GateRefusal.BARE_NEWLINE),
        (START + b"X : a\r\n\r\n", GateRefusal.BAD_FIELD),
        (START + b": a\r\n\r\n", GateRefusal.BAD_FIELD),
        ("Ünsinn: a\r\n".encode() + START + b"\r\n", GateRefusal.BAD_FIELD),
        (START + START + b"\r\n", GateRefusal.REPEATED_FIELD),
        (START + b"fRoM: a@b.example\r\n\r\n", GateRefusal.REPEATED_FIELD),
        (START + b"X: " + b"y" * 32_768 + b"\r\n\r\n", GateRefusal.HEADERS_TOO_BIG),
        (START + b"X: y\r\n" * 500 + b"\r\n", GateRefusal.HEADERS_TOO_BIG),
        (START + b"X: yyyyy\r\n" * 30_000 + b"\r\n", GateRefusal.HEADERS_TOO_BIG),
        (START + b"\r\n" + b"x" * 5_242_880, GateRefusal.TOO_BIG),
        (
            START + b"Content-Type: Multipart/Mixed; boundary=b\r\nContent-Transfer-Encoding: Base64\r\n\r\n",
            GateRefusal.ENCODED_MULTIPART,
        ),
    ],
)
def test_the_gate_names_what_it_refuses(raw: bytes, refusal: GateRefusal) -> None:
    assert inspect(raw) is refusal


@pytest.mark.parametrize("encoding", [b"7bit", b"8bit", b"7BIT"])
def test_a_harmless_encoding_of_a_multipart_passes(encoding: bytes) -> None:
    raw = START + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"

    assert isinstance(inspect(raw), RawMessage)


def test_the_gate_unfolds_and_keeps_the_order() -> None:
    message = inspect(b"X: a\r\n\tb\r\n" + START + b"x:c\r\n\r\nbody")

    assert isinstance(message, RawMessage)
    assert (message.all("x"), message.sender, message.body) == ((b"a\tb", b"c"), "a@b.example", b"body")


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("a@b.example", "a@b.example"),
        ("<A@B.Example>", "a@b.example"),
        ('"Amazon.it" <auto-communication@amazon.com>', "auto-communication@amazon.com"),
        ('"a, \\"b\\" <c@d.example>" <e@f.example>', "e@f.example"),
        ("=?UTF-8?Q?K=C3=A4ufer?= <6jh5qe3bv8ywf4n@marketplace.amazon.de>", "6jh5qe3bv8ywf4n@marketplace.amazon.de"),
        ("Nora (the boss) Pier <o'neil@b.example>", "o'neil@b.example"),
        ("a@evil.example <auto-communication@amazon.com>", None),
        ("<@relay.example:a@b.example>", None),
        ("group: a@b.example;", None),
        ('"a b"@b.example', None),
        ("=?utf-8?q?a?=@b.example", None),
        ("a@b", None),
        ("a@b..example", None),
        ("<a@b.example> <c@d.example>", None),
        ("<<a@b.example>>", None),
        ("ä@b.example", None),
        ("a@b.example\x0b", "a@b.example"),
        ("x" * 3_000 + " <a@b.example>", None),
    ],
)
def test_only_one_plain_address_is_a_sender(value: str, address: str | None) -> None:
    assert parse_mailbox(value.encode()) == address


# Signatures


@pytest.mark.parametrize(
    ("tags", "result"),
    [
        ({"v": "2"}, SignatureResult.MALFORMED),
        ({"c": "loose/simple"}, SignatureResult.MALFORMED),
        ({"q": "web"}, SignatureResult.MALFORMED),
        ({"i": "@evil.example"}, SignatureResult.MALFORMED),
        ({"i": "@notamazon.com"}, SignatureResult.MALFORMED),
        ({"i": "@mail.amazon.com"}, SignatureResult.PASSED),
        ({"bh": None}, SignatureResult.MALFORMED),
        ({"s": "a b"}, SignatureResult.MALFORMED),
        ({"t": "soon"}, SignatureResult.MALFORMED),
        ({"a": "ed25519-sha256"}, SignatureResult.WEAK_ALGORITHM),
        ({"a": "rsa-sha1"}, SignatureResult.WEAK_ALGORITHM),
        ({"l": "0"}, SignatureResult.LENGTH_LIMITED),
        ({"x": "1"}, SignatureResult.EXPIRED),
        ({"x": "9999999999"}, SignatureResult.PASSED),
        ({"h": "from"}, SignatureResult.UNSIGNED_HEADERS),
        ({"bh": "AAAA"}, SignatureResult.FAILED),
        ({"t": None}, SignatureResult.UNDATED),
        ({"z": "anything"}, SignatureResult.PASSED),
    ],
)
def test_each_defect_of_a_signature_has_its_name(tags: dict[str, str | None], result: SignatureResult) -> None:
    raw = AMAZON.sign(Mail(body="x").build(), tags=tags)

    assert authenticate(raw, FakeDns(), now=NOW).signatures[0].result is result


def test_a_tag_that_is_there_twice_makes_a_signature_unreadable() -> None:
    raw = signed().replace(b"DKIM-Signature: v=1;", b"DKIM-Signature: v=1; d=amazon.com;", 1)

    assert authenticate(raw, FakeDns(), now=NOW).author is None


def test_the_clock_of_the_machine_is_not_asked() -> None:
    raw = AMAZON.sign(Mail(body="x").build(), at=NOW.replace(year=2090))

    assert authenticate(raw, FakeDns(), now=NOW.replace(year=2090)).author is not None


def test_a_signature_is_proved_again_with_the_key_that_was_kept() -> None:
    kept = authenticate(signed(), FakeDns(), now=NOW).signatures[0]
    resolver = RecordedResolver({f"{kept.selector}._domainkey.{kept.domain}": kept.key_record})

    assert authenticate(signed(), resolver, now=NOW).author == kept


def test_added_empty_lines_at_the_end_leave_a_signature_whole() -> None:
    assert authenticate(signed() + b"\r\n\r\n", FakeDns(), now=NOW).author is not None


def test_a_header_that_was_signed_as_absent_cannot_be_added() -> None:
    raw = Mail(body="x").build()
    raw = AMAZON.sign(raw, signed=[name for name in SIGNED if name != "Reply-To"]).replace(b"Reply-To", b"X-Was", 1)

    assert authenticate(raw, FakeDns(), now=NOW).author is not None
    assert authenticate(b"Sender: x@y.example\r\n" + raw, FakeDns(), now=NOW).author is not None


# MIME


def parts_of(raw: bytes) -> Parts:
    message = inspect(START + raw)
    assert isinstance(message, RawMessage)
    return walk(message)


def test_every_codec_of_the_charset_table_exists() -> None:
    for codec in mime._CHARSETS.values():
        codecs.lookup(codec)


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        (b"\r\nhello", ["hello"]),
        (b"Content-Type: nonsense\r\n\r\nhello", ["hello"]),
        (b"Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs bG8", ["hello"]),
        (b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nx\r\n--b\r\n\r\none\r\n--b \r\n\r\ntwo\r\n--b--\r\ny',
         ["one", "two"]),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--bb\r\nstill", ["one\r\n--bb\r\nstill"]),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--", []),
        (b"Content-Type: text/plain; charset=zlib\r\n\r\nx\xe9", ["xé"]),
    ],
)  # fmt: skip
def test_the_texts_of_a_mail_are_read(raw: bytes, texts: list[str]) -> None:
    assert [part.text for part in parts_of(raw).texts] == texts


@pytest.mark.parametrize("raw", [
    b"Content-Type: multipart/mixed\r\n\r\nx", b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno boundary",
])  # fmt: skip
def test_a_multipart_without_parts_is_refused(raw: bytes) -> None:
    assert parts_of(raw).refusal is MimeRefusal.BROKEN_MULTIPART


def test_a_quoted_parameter_is_unquoted_and_the_first_of_two_counts() -> None:
    assert parse_content_type(b'text/HTML; Charset="a\\"b"; charset=c') == ("text/html", {"charset": 'a"b'})


@pytest.mark.parametrize(
    ("payload", "charset", "text"),
    [
        ("é".encode(), "", "é"),
        (b"\xe9", "", "é"),
        (b"\xe9", "iso-8859-1", "é"),
        (b"\x93x\x94", "iso-8859-1", "“x”"),
        ("重要".encode("iso2022_jp"), "us-ascii", "重要"),
        ("重要".encode("cp932"), "Shift_JIS", "重要"),
        (b"\xff\xfe", "utf-8", "ÿþ"),
        ("perché l’età".encode(), "iso-8859-1", "perché l’età"),
        ("perché".encode("cp1252"), "utf-8", "perché"),
        ("perché è".encode() + b"\xe9", "utf-8", "perché è\ufffd"),
        ("é".encode("utf-16"), "utf-16", "é"),
        ("Käufer 12".encode("utf-16-le"), "utf-8", "Käufer 12"),
        ("Käufer 12".encode("utf-16-be"), "", "Käufer 12"),
        ("注文 503-1234567\u3000の".encode("utf-16-le"), "utf-8", "注文 503-1234567\u3000の"),
        ("Käufer 1".encode(), "utf-16", "Käufer 1"),
        ("送信できません".encode("cp932"), "unknown-8bit", "送信できません"),
        ("送信できません".encode("euc_jp"), "utf-8", "送信できません"),
        ("送信できません".encode(), "Shift_JIS", "送信できません"),
        ("送信できません".encode("cp932"), "x-sjis", "送信できません"),
        (b"x", "unicode_escape", "x"),
    ],
)
def test_a_text_is_decoded_by_an_honest_charset(payload: bytes, charset: str, text: str) -> None:
    assert decode_text(payload, charset) == text


# Wording


@pytest.mark.parametrize(
    ("html", "flat"),
    [
        ("<p>a</p><p>b</p>", "a b"),
        ("a<b>b</b>c", "abc"),
        ("<td>a</td><td>b</td>", "ab"),  # outside a table these are no cells
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("[<a href=x>1-2</a>]", "[1-2]"),
        ("<div style='display:none'>a</div>b", "a b"),
        ("a<script>x</script><style>y</style><!-- z -->b", "ab"),
        ("a<br>b<hr>c", "a b c"),
        ("<div>a</div>b", "a b"),
        ("a&nbsp;&amp;\u00adb", "a &b"),
        ("<", "<"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_that_a_reader_sees(html: str, flat: str) -> None:
    assert read(TextPart(True, html)).flat() == flat


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("L’ordine “X”", "l'ordine \"x\""), ("a\u2010b\u2011c\u2013d\uff0de", "a-b-c-d-e"), ("ＡＢＣ１２３", "abc123"),
        ("［重要］", "[重要]"), ("a\u200b\u00ad\ufeffb", "ab"), ("perche\u0301", "perché"), ("a \t\r\n\u3000 b", "a b"),
        ("A\0B", "ab"), ("1 407-1", "1 407-1"), ("407 - 1111111 – 2222222", "407-1111111-2222222"),
        ("407-1111\n111-\n2222222", "407-1111111-2222222"),
        ("Qty 2\n407-1111111-2222222\n3 items", "qty 2 407-1111111-2222222 3 items"),
    ],
)  # fmt: skip
def test_texts_are_compared_in_one_spelling(text: str, same: str) -> None:
    assert normalise(text) == same


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?UTF-8?Q?a_b=C3=A9?= =?utf-8?b?w6k=?= c", "a béé c"),
        (b"=?UTF-8*en?Q?a?=", "a"),
        (b"=?zlib?Q?a?=", "a"),
        (b"=?UTF-8?B?***?=", ""),
        (b"=?UTF-8?X?a?=", "=?UTF-8?X?a?="),
        (None, ""),
    ],
)
def test_a_header_is_decoded(value: bytes | None, text: str) -> None:
    assert decode_header(value) == text


def test_the_addresses_of_mail_links_are_found_once() -> None:
    links = ("mailto:a@b.example?subject= [x]", "MAILTO:a%40b.example", "https://x", "mailto:c@d.example")

    assert mail_addresses(links) == ("a@b.example", "c@d.example")


def test_plain_text_has_links_too() -> None:
    text = "see https://x.example/a <mailto:a@b.example?subject=[x]> or [x](mailto:e@f.example). <c@d.example?x=%20[y]>"

    assert mail_addresses(read(TextPart(False, text)).links) == ("a@b.example", "e@f.example", "c@d.example")


# Resolvers


class Answering:
    """A name server of our own: answers, or raises, and counts."""

    def __init__(self, answer: Exception | list[bytes], ttl: int = 600) -> None:
        self.answer, self.ttl, self.asked = answer, ttl, 0

    def resolve(self, name: str, kind: object, **options: object) -> object:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        rows = [type("Row", (), {"strings": (text[:9], text[9:])}) for text in self.answer]
        return type("Answer", (list,), {"rrset": type("Set", (), {"ttl": self.ttl})})(rows)


def resolver_with(server: Answering, clock: list[float]) -> DnsResolver:
    resolver = DnsResolver(monotonic=lambda: clock[0])
    resolver._resolver = server  # type: ignore[assignment]
    return resolver


@pytest.mark.parametrize(("ttl", "seconds"), [(1, 60), (600, 600), (1_000_000, 86_400)])
def test_an_answer_is_remembered_for_its_time(ttl: int, seconds: int) -> None:
    server, clock = Answering([b"other", b"v=DKIM1; p=abcdef"], ttl), [0.0]
    resolver = resolver_with(server, clock)

    assert resolver.txt("S._domainkey.amazon.com.") == b"v=DKIM1; p=abcdef"
    clock[0] = seconds - 1
    assert resolver.txt("s._domainkey.amazon.com") == b"v=DKIM1; p=abcdef"
    assert server.asked == 1
    clock[0] = seconds
    resolver.txt("s._domainkey.amazon.com.")
    assert server.asked == 2


@pytest.mark.parametrize("absence", [dns.resolver.NXDOMAIN, dns.resolver.NoAnswer])
def test_a_name_that_does_not_exist_is_absent_and_remembered_for_five_minutes(absence: type[Exception]) -> None:
    server, clock = Answering(absence.__new__(absence)), [0.0]  # not called: one of them wants a whole answer
    resolver = resolver_with(server, clock)

    assert resolver.txt("a.") is None
    clock[0] = 299
    assert resolver.txt("a.") is None
    assert server.asked == 1
    clock[0] = 300
    resolver.txt("a.")
    assert server.asked == 2


@pytest.mark.parametrize("trouble", [dns.exception.Timeout, dns.resolver.NoNameservers, OSError])
def test_trouble_is_raised_and_asked_about_again_after_ten_seconds(trouble: type[Exception]) -> None:
    server, clock = Answering(trouble()), [0.0]
    resolver = resolver_with(server, clock)

    for clock[0] in (0.0, 9.9):
        with pytest.raises(DnsTrouble):
            resolver.txt("a.")
    assert server.asked == 1
    clock[0], server.answer = 10.0, [b"p=x"]
    assert resolver.txt("a.") == b"p=x"


@pytest.mark.parametrize("junk", [b"p=" + b"A" * 60_000, b"p=A\0", b"p=\xff", b"v=spf1 -all", b"p="])
def test_what_is_no_key_is_not_kept_in_memory(junk: bytes) -> None:
    assert resolver_with(Answering([junk]), [0.0]).txt("a.") is None
    assert resolver_with(Answering([junk, b"p=x"]), [0.0]).txt("a.") == b"p=x"


def test_the_memory_of_answers_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "MAX_REMEMBERED", 3)
    resolver = resolver_with(Answering([b"p=x"]), [0.0])
    for number in range(10):
        resolver.txt(f"{number}.")

    assert len(resolver._remembered) <= 3


@pytest.mark.parametrize(("bits", "is_proof"), [(768, False), (1024, True), (2048, True)])
def test_a_key_is_long_enough_from_amazons_own_1024_bits_on(bits: int, is_proof: bool) -> None:
    signer = replace(AMAZON, bits=bits)
    authentication = authenticate(
        signer.sign(Mail(body="x").build()), FakeDns(records={signer.name: signer.record}), now=NOW
    )

    assert (authentication.author is not None) is is_proof
