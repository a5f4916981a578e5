"""What mailbox providers do to a mail that they forward by themselves (INBOUND.md 2.1).

Gmail: trace headers and an ARC set on top, nothing below touched, a `+caf_=` envelope sender. Microsoft 365 with a
banner for mail from outside: the text is changed, so that Amazon's signature breaks, and the whole is sealed.
"""

import secrets

from amazon.simulator import clock
from amazon.simulator.accounts import Account
from amazon.simulator.outgoing import Letter
from amazon.simulator.sealing import seal
from amazon.simulator.signing import key_of
from amazon.simulator.store import Store

AMAZON_HOST = "192.0.2.54"


def gmail(store: Store, raw: bytes, envelope_from: str, account: Account, at: float) -> Letter:
    """The forwarded mail as the product's listener gets it."""
    verdict = _verdict(envelope_from) if "@bounces." in envelope_from else _verdict_on_others(envelope_from)
    received = _first_delivery(raw, verdict, envelope_from, account.mailbox, at)
    sealed = seal(received, verdict, key_of(store, "google.com"), at) + received
    local, _, domain = account.mailbox.partition("@")
    inbound_local, _, inbound_domain = account.inbound_address.partition("@")
    return Letter(
        envelope_from=f"{local}+caf_={inbound_local}={inbound_domain}@{domain}",
        recipient=account.inbound_address,
        raw=_trace(account, at) + sealed,
    )


def microsoft(store: Store, notice: Letter, account: Account, at: float) -> Letter:
    """The mail as a tenant of Microsoft 365 forwards it that marks mail from outside. `notice` is as it came there."""
    mailbox = f"notices@{account.approved_senders[0].partition('@')[0]}.example"
    signer = notice.envelope_from.partition("@bounces.")[2]
    touched = notice.raw.replace(b"<h1>", b"<h1><p>External sender. Be careful with links.</p>", 1)
    verdict = (
        f"mx.microsoft.com 1; spf=pass smtp.mailfrom={notice.envelope_from};\r\n"
        f"       dmarc=pass action=none header.from={signer};\r\n"
        f"       dkim=pass header.d={signer}; arc=none"
    )
    sealed = seal(touched, verdict, key_of(store, "microsoft.com"), at) + touched
    trace = (
        f"Received: from mail-sim.outbound.protection.outlook.com by mx.in.example; {clock.mail_date(at)}\r\n"
        f"X-MS-Exchange-Inbox-Rules-Loop: {mailbox}\r\nResent-From: <{mailbox}>\r\n"
    )
    local, _, domain = notice.envelope_from.partition("@")
    return Letter(
        envelope_from=f"notices+SRS={secrets.token_hex(2)}=TT={domain}={local[:20]}@{mailbox.partition('@')[2]}",
        recipient=account.inbound_address,
        raw=trace.encode("ascii") + sealed,
    )


def _verdict(envelope_from: str) -> str:
    """What Google found when Amazon's server brought the mail."""
    signer = envelope_from.partition("@bounces.")[2]
    return (
        "mx.google.com;\r\n"
        f"       dkim=pass header.i=@{signer} header.s={secrets.token_hex(4)} header.b={secrets.token_hex(4)};\r\n"
        f"       dkim=pass header.i=@amazonses.com header.s={secrets.token_hex(4)} header.b={secrets.token_hex(4)};\r\n"
        f"       spf=pass {_spf(envelope_from)} smtp.mailfrom={envelope_from};\r\n"
        f"       dmarc=pass (p=QUARANTINE sp=QUARANTINE dis=NONE) header.from={signer}"
    )


def _verdict_on_others(envelope_from: str) -> str:
    """What Google found when anybody else's server brought the mail."""
    return f"mx.google.com;\r\n       spf=none smtp.mailfrom={envelope_from}"


def _spf(envelope_from: str) -> str:
    return f"(google.com: domain of {envelope_from} designates {AMAZON_HOST} as permitted sender)"


def _first_delivery(raw: bytes, verdict: str, envelope_from: str, mailbox: str, at: float) -> bytes:
    """The mail as it lies in the Gmail box: Google's verdict and the first hop above Amazon's own headers."""
    head = (
        f"Authentication-Results: {verdict}\r\n"
        f"Return-Path: <{envelope_from}>\r\n"
        f"Received: from a54-1.smtp-out.amazonses.com (a54-1.smtp-out.amazonses.com. [{AMAZON_HOST}])\r\n"
        f"        by mx.google.com with ESMTPS id {secrets.token_hex(8)}\r\n"
        f"        for <{mailbox}>;\r\n"
        f"        {clock.mail_date(at)}\r\n"
        f"Received-SPF: pass {_spf(envelope_from)} client-ip={AMAZON_HOST};\r\n"
    )
    return head.encode("ascii") + raw


def _trace(account: Account, at: float) -> bytes:
    """The newest headers: the forwarding hop itself."""
    host = "mail-sim-f41.google.com"
    when = clock.mail_date(at)
    head = (
        f"Received: by {host} with SMTP id {secrets.token_hex(10)}.1\r\n"
        f"        for <{account.inbound_address}>; {when}\r\n"
        "X-Google-DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
        f"        d=1e100.net; s=20251104; t={int(at)}; x={int(at) + 604800};\r\n"
        "        h=delivered-to:x-forwarded-for:x-forwarded-to;\r\n"
        "        bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
        f"        b={secrets.token_urlsafe(40)}\r\n"
        f"X-Gm-Message-State: {secrets.token_urlsafe(34)}\r\n"
        f"X-Received: by 2001:db8:6402:b10::1 with SMTP id {secrets.token_hex(8)};\r\n"
        f"        {when}\r\n"
        f"X-Forwarded-To: {account.inbound_address}\r\n"
        f"X-Forwarded-For: {account.mailbox} {account.inbound_address}\r\n"
        f"Delivered-To: {account.mailbox}\r\n"
    )
    return head.encode("ascii")
