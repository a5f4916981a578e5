"""`python -m feedbackfive.devservices COMMAND...`: run a command of a test site on private, throw-away services.

For commands that only want a database, such as `manage.py makemigrations --check`.
"""

import os
import subprocess
import sys

from feedbackfive.devservices import Services, ServicesUnavailable, die_with_parent
from feedbackfive.devservices.settings_of_a_test_site import TEST_SITE


def main(command: list[str]) -> int:
    """The exit code of `command`; 2 when there is none, or when the services cannot run here."""
    if not command:
        print("Name a command: python -m feedbackfive.devservices COMMAND...", file=sys.stderr)
        return 2
    services = Services()
    try:
        environment = os.environ | TEST_SITE | services.start()
        return subprocess.run(command, env=environment, preexec_fn=die_with_parent()).returncode
    except ServicesUnavailable as reason:
        print(f"The private services cannot run: {reason}.", file=sys.stderr)
        return 2
    finally:
        services.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
