"""What Django may show of an error: no token, no secret, no address, also on the page that DEBUG shows.

By name and by look: a local variable that is called like a secret, or whose value holds a token of Amazon's or a
buyer's address, is starred.
"""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any, Final

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

NAMES: Final = re.compile(
    r"token|secret|password|grant|authorisation|sealed|alias|letter|code|credentials|raw", re.IGNORECASE
)
LOOKS: Final = re.compile(r"Atz[ar]\||@marketplace\.amazon\.|spapi_oauth_code", re.IGNORECASE)
LONGEST: Final = 20_000  # characters of a value that are looked at: the page cuts it long before


class Discreet(SafeExceptionReporterFilter):
    """DEFAULT_EXCEPTION_REPORTER_FILTER."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|SEALING|LOOKUP|DATABASE|URL", re.IGNORECASE
    )

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        shown = super().get_traceback_frame_variables(request, tb_frame)
        starred = self.cleansed_substitute
        return {name: starred if _is_secret(name, value) else value for name, value in shown}.items()


def _is_secret(name: str, value: object) -> bool:
    if NAMES.search(name):
        return True
    try:
        text = repr(value)[:LONGEST]
    except Exception:  # a value that cannot be shown is not shown
        return True
    return LOOKS.search(text) is not None
