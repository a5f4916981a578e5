"""allauth's second factors, with their secrets sealed as all others are."""

import base64

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts import secrets

PURPOSE = "second factor"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's adapter (MFA_ADAPTER): what would let another person sign in rests sealed."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(secrets.seal_text(PURPOSE, None, text)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal_text(PURPOSE, None, base64.b64decode(encrypted_text))
