"""`manage.py inspect_mail`: what the pipeline makes of mails in files. Needs no database and no settings of a site.

One JSON line for each file: `file`, `kind`, `order_ids`, `buyer_aliases`, `authenticity`, `grade`, `reason`, `seconds`.
"""

import json
import os
import stat
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from optouts.authenticity import Resolver
from optouts.inspection import Deployment, describe
from optouts.rawgate import MAX_MESSAGE
from optouts.resolving import DnsResolver, RecordedResolver

_UNREAD: Final[dict[str, Any]] = {
    "kind": "malformed",
    "order_ids": [],
    "buyer_aliases": [],
    "authenticity": "unauthenticated",
    "grade": None,
}
_NO_FILE: Final = "This is no file but a pipe, a socket or a device: it could keep us waiting for ever."


class Command(BaseCommand):
    help = "Say what the pipeline would make of each .eml file (or of each in a folder), one JSON line for each."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="an .eml file, or a folder of them")
        parser.add_argument("--dns", type=Path, help="answer for the DNS: a JSON file of name -> TXT record")
        parser.add_argument("--context", type=Path, help="what a deployment knows: a JSON file")
        parser.add_argument("--format", choices=["json"], default="json", help="json: one object in each line")

    def handle(self, *args: Any, **options: Any) -> None:
        records = _json(options["dns"]) if options["dns"] else None
        if records is not None and not _is_text_map(records):
            raise CommandError(f"{options['dns']} is not a JSON object of name -> TXT record.")
        resolver: Resolver = RecordedResolver(records) if records is not None else DnsResolver()
        try:
            deployment = Deployment.from_json(_json(options["context"])) if options["context"] else Deployment()
        except ValueError as trouble:
            raise CommandError(str(trouble)) from None
        for name, path in _files(options["paths"]):
            started = time.perf_counter()
            answer = _answer(path, resolver, deployment)
            answer["seconds"] = round(time.perf_counter() - started, 4)
            self.stdout.write(json.dumps({"file": name, **answer}, ensure_ascii=True))


def _answer(path: Path, resolver: Resolver, deployment: Deployment) -> dict[str, Any]:
    try:
        # Looked at before it is opened, for some devices begin to move; and opened without waiting, should it have
        # become a pipe meanwhile.
        if not stat.S_ISREG(path.stat().st_mode):
            return {**_UNREAD, "reason": _NO_FILE}
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return {**_UNREAD, "reason": _NO_FILE}
            raw = file.read(MAX_MESSAGE + 1)
    except OSError as trouble:
        return {**_UNREAD, "reason": f"The file cannot be read: {trouble.strerror}."}
    except ValueError:  # a NUL in the name
        return {**_UNREAD, "reason": "The file cannot be read: there is none with such a name."}
    try:
        return describe(raw, resolver=resolver, deployment=deployment)
    except Exception as trouble:  # one mail must never keep the others from being inspected
        return {**_UNREAD, "reason": f"The mail could not be examined: {type(trouble).__name__}."}


def _files(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield each file with the name that it is told by: inside a folder, the path from there."""
    for path in paths:
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                if found.suffix.lower() == ".eml" and not found.is_dir():
                    yield found.relative_to(path).as_posix(), found
        else:
            yield path.name, path


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as trouble:
        raise CommandError(f"{path} cannot be read as JSON: {type(trouble).__name__}.") from None


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for pair in value.items() for item in pair)
