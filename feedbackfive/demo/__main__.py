"""`python -m feedbackfive.demo`: start the demo, keep it running, end it. Trouble is told in one sentence."""

import argparse
import signal
import sys
from pathlib import Path

import feedbackfive.demo
from feedbackfive.demo import console
from feedbackfive.demo.home import Home
from feedbackfive.demo.run import run
from feedbackfive.demo.trouble import Trouble
from feedbackfive.devservices import ServicesUnavailable, ask_to_die_with_parent

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m feedbackfive.demo", description=feedbackfive.demo.__doc__)
    parser.add_argument("--port", default="8000", help="of the site; the simulated Amazon takes the next one")
    parser.add_argument("--home", type=Path, default=CHECKOUT / ".demo", metavar="FOLDER", help="where the data stays")
    parser.add_argument("--reset", action="store_true", help="throw the data away first")
    parser.add_argument("--die-with-parent", action="store_true", help="end when whoever started this one ends")
    return parser.parse_args(arguments)


def port_of(text: str) -> int:
    """Raises Trouble for what is no port, or has none after it."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 65534:
        raise Trouble(f"PORT must be a number from 1 to 65534, not {text!r}.")
    return int(text)


def main() -> int:
    """0 after Ctrl-C or SIGTERM, 1 when the demo cannot run."""
    arguments = read_arguments()
    if arguments.die_with_parent:
        ask_to_die_with_parent(signal.SIGTERM)
    # A shell's "&" leaves SIGINT ignored, and the other two would end us without our `finally`.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        port = port_of(arguments.port)
        with Home(arguments.home) as home:
            if arguments.reset:
                home.clear()
            run(home, port, CHECKOUT)
    except (Trouble, ServicesUnavailable) as reason:
        print(str(reason), file=sys.stderr)
        return 1
    except OSError as reason:  # the folder was taken away, the disk is full
        print(f"The demo cannot go on: {reason.strerror} ({reason.filename}).", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        console.say("The demo has ended.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
