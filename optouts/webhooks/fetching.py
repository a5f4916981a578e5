"""The one call to the outside that a webhook makes: Amazon's signing certificates, and the yes to a subscription."""

from functools import lru_cache
from typing import Final

import httpx

SECONDS: Final = 5.0
LARGEST: Final = 65_536


@lru_cache(maxsize=16)
def certificate(url: str) -> bytes:
    """The certificate at this address, remembered: Amazon gives a new one a new address. Raises OSError."""
    return fetch(url)


def fetch(url: str) -> bytes:
    """The content at an address that the caller has checked. No redirects. Raises OSError."""
    try:
        with httpx.stream("GET", url, timeout=SECONDS, follow_redirects=False) as response:
            content = b""
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise OSError("too much")
            if response.status_code != 200:
                raise OSError(f"answered {response.status_code}")
            return content
    except httpx.HTTPError as trouble:
        raise OSError(type(trouble).__name__) from None
