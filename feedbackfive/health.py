"""`python -m feedbackfive.health web|mail`: does this container answer as its users expect? For docker-compose.yml.

Exit code 0 when it does. The worker and beat are asked by other means: see there.
"""

import http.client
import os
import smtplib
import sys
from urllib.parse import urlsplit

TIMEOUT = 10.0  # seconds


def web(site_url: str, port: int = 8000) -> bool:
    """The sign-in page is there, as the proxy would ask for it."""
    site = urlsplit(site_url)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    connection.request("GET", "/people/login/", headers={"Host": site.netloc, "X-Forwarded-Proto": site.scheme})
    return connection.getresponse().status == http.HTTPStatus.OK


def mail(listen: str) -> bool:
    """The listener greets. Whether it can store is seen when mail comes: it answers 451 while it cannot."""
    with smtplib.SMTP("127.0.0.1", int(listen.rpartition(":")[2]), timeout=TIMEOUT) as session:
        return session.noop()[0] == 250


def main(part: str) -> int:
    try:
        if part == "web":
            return not web(os.environ["FEEDBACKFIVE_SITE_URL"])
        return not mail(os.environ["FEEDBACKFIVE_INBOUND_LISTEN"])
    except (OSError, http.client.HTTPException, smtplib.SMTPException) as trouble:
        print(f"No answer: {trouble}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
