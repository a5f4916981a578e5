"""The first ARC set on a mail, as Google sets it (RFC 8617): verdict, message signature, seal."""

import re

from amazon.simulator.signing import (
    SigningKey,
    chosen_headers,
    digest,
    finish,
    relaxed_body,
    relaxed_header,
)

# As in Google's signatures of 2025 (INBOUND.md 3), with the content type.
COVERED = ["mime-version", "subject", "message-id", "to", "reply-to", "from", "date", "content-type"]


def seal(raw: bytes, verdict: str, key: SigningKey, at: float) -> bytes:
    """The three headers of instance 1, to be put on top of `raw`. `verdict` is the text after `i=1; `."""
    head, _, body = raw.partition(b"\r\n\r\n")
    signatures = re.findall(rb"^dkim-signature(?=:)", head, re.IGNORECASE | re.MULTILINE)
    present = {name.lower().decode("ascii") for name in re.findall(rb"^([!-9;-~]+):", head, re.MULTILINE)}
    names = [*(name for name in COVERED if name in present), *["dkim-signature"] * len(signatures)]
    results = f"ARC-Authentication-Results: i=1; {verdict}\r\n".encode()
    signature = finish(
        f"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d={key.domain};\r\n"
        f"        s={key.selector}; t={int(at)};\r\n"
        f"        h={':'.join(names)};\r\n        bh={digest(relaxed_body(body))};\r\n        b=",
        chosen_headers(head, names),
        key,
    )
    covered = b"".join(relaxed_header(field.removesuffix(b"\r\n")) + b"\r\n" for field in (results, signature))
    sealed = finish(
        f"ARC-Seal: i=1; a=rsa-sha256; t={int(at)}; cv=none;\r\n"
        f"        d={key.domain}; s={key.selector};\r\n        b=",
        covered,
        key,
    )
    return sealed + signature + results
