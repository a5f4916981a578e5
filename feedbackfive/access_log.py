"""Gunicorn's line for each request, without what a reader of logs must not have: no query (Amazon's code and our state
come back in one, and people search for orders), no referrer, and no secret out of a link that we have mailed.

The image's command names the class.
"""

import re
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from gunicorn.glogging import Logger

FORM: Final = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(b)s %(L)s'
SECRETS: Final = re.compile(r"(/team/join/|/people/confirm-email/|/people/password/reset/key/|/templates/shown/)[^/]+")


class Discreet(Logger):  # type: ignore[misc]  # the package is not typed
    """A drop-in for `--logger-class`."""

    def setup(self, cfg: Any) -> None:
        cfg.set("access_log_format", FORM)
        super().setup(cfg)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What the form may name."""
        # As it was asked for: what was decoded may hold a line break, and look like a line of its own.
        path = quote(SECRETS.sub(r"\1...", str(environ.get("PATH_INFO", ""))), encoding="latin-1")
        known: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return known | {"U": path}
