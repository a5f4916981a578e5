"""Mail that is meant to hurt, by what is wrong with it."""

from tests.notices.builder import ENGLISH, attached

HEAD = (
    b"From: auto-communication@amazon.com\r\nTo: a@b.example\r\nSubject: Your message to a buyer could not be delivered"
)
HTML = b"\r\nContent-Type: text/html\r\n\r\n"


def nested(depth: int) -> bytes:
    body = b"--b0\r\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1, depth)
    )
    return HEAD + b'\r\nContent-Type: multipart/mixed; boundary="b0"\r\n\r\n' + body


def nested_attached(depth: int) -> bytes:
    raw = ENGLISH.build()
    for _ in range(depth):
        raw = attached(raw)
    return raw


def sealed(count: int, tags: bytes = b"") -> bytes:
    """A chain of `count` made-up seals of a trusted sealer."""
    field = b"i=%d; a=rsa-sha256; cv=pass; d=google.com; s=test; t=1789041600; bh=AA==; h=from; b=AA==" + tags
    names = (b"ARC-Seal: ", b"ARC-Message-Signature: ", b"ARC-Authentication-Results: ")
    return b"".join(name + field % number + b"\r\n" for number in range(count, 0, -1) for name in names) + HEAD


HOSTILE = {
    "100 seals": sealed(100) + b"\r\n\r\n",
    "10 seals": sealed(10) + b"\r\n\r\n",
    "a seal of blanks": sealed(1, b"; x=" + b" " * 30_000) + b"\r\n\r\n",
    "a seal of folds": sealed(1, b"; x=" + b"\r\n " * 8_000) + b"\r\n\r\n",
    "results of open comments": b"ARC-Authentication-Results: i=1; "
    + b"(" * 32_000
    + b"\r\n"
    + sealed(1)
    + b"\r\n\r\n",
    "30,000 quoted senders": HEAD.replace(b"auto-communication@amazon.com", b"a@b.example")
    + b"\r\n\r\n"
    + b"from: auto-communication@amazon.com\r\n" * 30_000,
    "labels without end": HEAD.replace(b"auto-communication@amazon.com", b"a@b.example")
    + b"\r\n\r\n"
    + b"From:\r\nSubject:\r\nTo:\r\n" * 20_000,
    "orders without end": HEAD + b"\r\n\r\n" + b"buyer not delivered 111-1111111-1111111 opted\r\n" * 20_000,
    "orders of a buyer": HEAD.replace(b"auto-communication@amazon.com", b"x7c2m9q4t1w8z5b@marketplace.amazon.it")
    + b"\r\n\r\n"
    + b"please do not not not 111-1111111-1111111\r\n" * 20_000,
    "a subject of 1 MB": HEAD + b"x" * 1_000_000 + b"\r\n\r\n",
    "a subject of 32 KB of encoded words": HEAD + b" =?utf-8?q?a?=" * 2300 + b"\r\n\r\n",
    "a subject of open encoded words": HEAD + b"=?" * 16_000 + b"\r\n\r\n",
    "20,000 parameters": HEAD + b"\r\nContent-Type: text/html" + b"; a=b" * 20_000 + b"\r\n\r\nx",
    "5,000 parameters": HEAD + b"\r\nContent-Type: text/html" + b"; a=b" * 5_000 + b"\r\n\r\nx",
    "a parameter of quotes": HEAD + b"\r\nContent-Type: text/html" + b';a="\\' * 6_000 + b"\r\n\r\nx",
    "50,000 addresses": b"From: " + b"a@b.example, " * 50_000 + b"\r\n\r\n",
    "2,000 addresses in To": b"From: a@b.example\r\nTo: " + b"a@b.example, " * 2_000 + b"\r\n\r\n",
    "open parentheses": b"From: " + b"(" * 30_000 + b"\r\n\r\n",
    "open quotes": b"From: " + b'"' * 1_999 + b"<a@b.example>\r\n\r\n",
    "escaped quotes": b'From: "' + b'\\"' * 900 + b"<a@b.example>\r\n\r\n",
    "open brackets in the id": b"From: a@b.example\r\nMessage-ID: " + b"[" * 30_000 + b"\r\n\r\n",
    "50,000 fields": b"From: a@b.example\r\n" + b"X: y\r\n" * 40_000 + b"\r\n",
    "nesting 15": nested(15),
    "nesting 2,000": nested(2_000),
    "3,000 parts": HEAD + b'\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 3_000,
    "a boundary of dashes": HEAD + b'\r\nContent-Type: multipart/mixed; boundary="-"\r\n\r\n' + b"---\r\n" * 100_000,
    "almost boundaries": HEAD + b'\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--bb\r\n" * 150_000,
    "no boundary": HEAD + b"\r\nContent-Type: multipart/mixed\r\n\r\nx",
    "attached ten deep": nested_attached(10),
    "open comments": HEAD + HTML + b"<!--" * 50_000,
    "declarations": HEAD + HTML + b"<![" * 50_000,
    "nested tags": HEAD + HTML + b"<div>" * 100_000,
    "nested tags under the limit": HEAD + HTML + b"<div>" * 9_999,
    "1 MB of text": HEAD + b"\r\n\r\n" + b"x" * 1_000_000,
    "1 MB of newlines": HEAD + b"\r\n\r\n" + b"\r\n" * 500_000,
    "1 MB of blanks": HEAD + b"\r\n\r\n" + b" " * 500_000,
    "1 MB in base64": HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"AAAA" * 250_000,
    "bad base64": HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"=A=" * 50_000,
    "bad quoted-printable": HEAD + b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=X=\r\n" * 50_000,
    "a growing character": HEAD + HTML.replace(b"html", b"html; charset=utf-8") + "\ufdfa".encode() * 60_000,
    "combining characters": HEAD + HTML.replace(b"html", b"html; charset=utf-8") + "\u0301\u0327".encode() * 60_000,
    "a charset that is a codec": HEAD + b"\r\nContent-Type: text/plain; charset=zlib\r\n\r\nx\x9c",
    "a charset with a NUL": HEAD + b"\r\nContent-Type: text/plain; charset=utf-8%00\r\n\r\nx",
    "50 signatures": b"DKIM-Signature: v=1; a=rsa-sha256; d=amazon.com; s=test; h=from; bh=AA==; b=AA==\r\n" * 50
    + HEAD
    + b"\r\n\r\n",
    "a signature of blanks": b"DKIM-Signature: v=1;" + b" b" * 5 + b" " * 30_000 + b"=\r\n" + HEAD + b"\r\n\r\n",
    "a signature of folds": b"DKIM-Signature: v=1;b" + b"\r\n " * 8_000 + b"=\r\n" + HEAD + b"\r\n\r\n",
    "nothing": b"",
    "only a newline": b"\r\n",
    "only newlines": b"\r\n\r\n",
    "only NUL": b"\0" * 100,
    "noise": bytes(range(256)) * 400,
    "6 MB": b"From: a@b.example\r\n\r\n" + b"x" * 6_000_000,
    "5 MB of newlines": b"From: a@b.example\r\n\r\n" + b"\r\n" * 2_500_000,
}
