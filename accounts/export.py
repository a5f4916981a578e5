"""Lists as CSV files, streamed. Edge of every list that can be exported."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, cast

from django.http import HttpResponse, StreamingHttpResponse

BYTE_ORDER_MARK: Final = "\ufeff"  # without it Excel reads UTF-8 as Windows-1252
ACTIVE: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """A file for the csv module that gives back what is written."""

    def write(self, line: str) -> str:
        return line


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A download called `name`.csv. Instants are written in UTC, ISO 8601; None is an empty cell."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store"
    # The two have a common base and no difference that a caller of a view could see; the walls of `access` name one.
    return cast(HttpResponse, response)


def cell(value: object) -> str:
    """A value as a cell that a spreadsheet shows and never runs as a formula (product titles are strangers' text)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = str(value)
    return f"'{text}" if text.startswith(ACTIVE) else text


def plain(written: str) -> str:
    """The value of a cell that `cell` has written, or anybody else."""
    return written[1:] if written[:1] == "'" and written[1:].startswith(ACTIVE) else written


def _lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(header)
    for row in rows:
        yield writer.writerow([cell(value) for value in row])
