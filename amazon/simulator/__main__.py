"""The command: `python -m amazon.simulator --http … --smtp … --mail … --dns … --state FILE --inbound …`.

Prints one line of JSON with the bound ports when everything is ready; ends on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP

from amazon.simulator import signing
from amazon.simulator.dns_stub import KeyRecords
from amazon.simulator.http_server import create_app, serve
from amazon.simulator.outgoing import Postman
from amazon.simulator.people_mail import PostOffice
from amazon.simulator.relay import LARGEST, Relay
from amazon.simulator.simulation import Simulation, open_simulation
from amazon.simulator.world import demo

HOSTNAME = "inbound-smtp.amazon.example"
Doors = dict[str, socket.socket]


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:8001` as host and port."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m amazon.simulator", description="A stand-in for Amazon.")
    for name, meaning in (
        ("http", "SP-API, login, control and the page"),
        ("smtp", "the relay for buyers' aliases"),
        ("mail", "mail that the site writes to people"),
        ("dns", "keys of the mail domains, UDP"),
        ("inbound", "where the product takes mail"),
    ):
        parser.add_argument(f"--{name}", type=address, required=True, metavar="HOST:PORT", help=meaning)
    parser.add_argument("--state", type=Path, required=True, metavar="FILE", help="the SQLite file of all facts")
    parser.add_argument("--world", choices=("demo", "empty"), default="empty")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append every SP-API exchange as JSON")
    parser.add_argument("--site-url", default="http://127.0.0.1:8000", metavar="URL")
    return parser.parse_args(arguments)


def bind(arguments: argparse.Namespace) -> Doors:
    """Take all ports at once. Raises OSError with the door's name for one that cannot be had."""
    doors: Doors = {}
    for name in ("http", "smtp", "mail", "dns"):
        host, port = getattr(arguments, name)
        kind = socket.SOCK_DGRAM if name == "dns" else socket.SOCK_STREAM
        door = socket.socket(socket.AF_INET, kind)
        if name != "dns":
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
            if name != "dns":
                door.listen(128)
        except OSError as problem:
            raise OSError(f"The simulator cannot listen on {host}:{port} (--{name}): {problem.strerror}.") from problem
        doors[name] = door
    return doors


async def run(simulation: Simulation, doors: Doors) -> None:
    """Open every door, say so, and stay until a signal comes."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    relay, office = Relay(simulation), PostOffice(simulation)
    mail_servers = [
        await loop.create_server(
            lambda: SMTP(relay, hostname=HOSTNAME, ident="Simulator", data_size_limit=LARGEST), sock=doors["smtp"]
        ),
        await loop.create_server(
            lambda: SMTP(office, hostname=HOSTNAME, ident="Simulator", data_size_limit=LARGEST), sock=doors["mail"]
        ),
    ]
    answering, _ = await loop.create_datagram_endpoint(
        lambda: KeyRecords(lambda name: signing.record_at(simulation.store, name), signing.is_unreachable),
        sock=doors["dns"],
    )
    web, web_thread = serve(create_app(simulation), doors["http"])
    postman = Postman(simulation)
    postman.start()
    print(json.dumps({name: door.getsockname()[1] for name, door in doors.items()}), flush=True)
    await stopping.wait()
    postman.stop()
    await asyncio.to_thread(web.shutdown)
    web_thread.join(5)
    postman.join(5)
    answering.close()
    for server in mail_servers:
        server.close()


def main() -> int:
    """Start; 2 when a port or the state file cannot be had."""
    arguments = read_arguments()
    try:
        doors = bind(arguments)
        arguments.state.parent.mkdir(parents=True, exist_ok=True)
        simulation = open_simulation(arguments.state, arguments.inbound, arguments.site_url, arguments.journal)
    except OSError as problem:
        print(problem, file=sys.stderr)
        return 2
    for domain in signing.PREPARED:
        signing.key_of(simulation.store, domain)
    if arguments.world == "demo":
        demo.populate_once(simulation)
    asyncio.run(run(simulation, doors))
    for door in doors.values():
        door.close()
    simulation.store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
