"""A seller's file of buyers who are not to be written to, taken apart: a rule.

Flow: upload -> [list_files] -> imports, which says what each line will do. Knows comma, semicolon, tab and bar, UTF-8,
UTF-16 and Windows-1252, and finds by itself which column holds order numbers and which holds buyers' addresses: by its
heading, else by what stands in it. Every line that holds something comes out, readable or not, and of a file without
headings every order number and address of a line: none is dropped.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accounts.keys import is_order_id, normalise_alias

MOST_BYTES: Final = 1_000_000
MOST_LINES: Final = 10_000
MOST_COLUMNS: Final = 60
MOST_IN_A_CELL: Final = 1_000
ORDER_HEADINGS: Final = frozenset(
    "order orderid ordernumber amazonorderid amazonordernumber merchantorderid bestellnummer numerodecommande".split()
)
ADDRESS_HEADINGS: Final = frozenset(
    "email emailaddress mail buyeremail buyeremailaddress customeremail customeremailaddress recipient recipientemail "
    "alias buyer buyeralias".split()
)
REASON_HEADINGS: Final = frozenset("reason note notes comment comments".split())
STATE_HEADINGS: Final = frozenset({"state"})
REVOKED: Final = frozenset({"revoked"})
DELIMITERS: Final = ",;\t|"
WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, .ods and .numbers are archives; .xls is older
_NAMES_DELIMITER = re.compile(r"\A[\r\n]*sep=(.)[ \t,;|]*\r?\n", re.IGNORECASE)  # how Excel is told
_LETTERS = re.compile(r"[^a-z]+")
_END: Final = "\0"  # stands below the last line; no text of a file has it any more
_NAMES_SOMEBODY = re.compile(r"[0-9]{3}-[0-9]{7}-[0-9]{7}|@marketplace\.amazon\.", re.IGNORECASE)


class Unusable(Exception):
    """The file as a whole cannot be taken; the text is a sentence for its owner."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file. `number` counts as a spreadsheet does. What was not recognised is None."""

    number: int
    text: str
    amazon_order_id: str | None
    alias: str | None  # in its one spelling
    reason: str = ""
    is_revoked: bool = False  # our own export says so of entries that are not in force
    stranger: str = ""  # an address or number that is not one of Amazon's


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; None: no column does."""

    order: int | None = None
    address: int | None = None
    reason: int | None = None
    state: int | None = None


@dataclass(frozen=True, slots=True)
class ListFile:
    """`order_heading` and `address_heading` say where was looked, in the words of the file."""

    lines: tuple[Line, ...]
    order_heading: str
    address_heading: str


def take_apart(content: bytes) -> ListFile:
    """Raises Unusable as `read_rows`, and when there are neither order numbers nor buyers' addresses."""
    rows = read_rows(content)
    headings = _headings(rows[0][1])
    columns = _by_heading(headings) if headings else Columns()
    body = rows[1:] if headings else rows
    if columns.order is None and columns.address is None:
        columns = _by_content(body, columns)
    if columns.order is None and columns.address is None:
        raise Unusable("No column of the file holds Amazon order numbers or buyers' addresses at marketplace.amazon.")
    names = rows[0][1] if headings else []
    lines = [line for number, row in body for line in _lines(number, row, columns, is_headless=not headings)]
    if len(lines) > MOST_LINES:
        raise Unusable(f"The file names more than {MOST_LINES:,} orders. Split it into smaller ones.")
    return ListFile(
        tuple(lines),
        _name(columns.order, names),
        _name(columns.address, names),
    )


def read_rows(
    content: bytes, *, most_bytes: int = MOST_BYTES, most_lines: int = MOST_LINES
) -> list[tuple[int, list[str]]]:
    """The rows that hold something, with their line numbers; at least one. Raises Unusable when the file is too big or
    no table."""
    if len(content) > most_bytes:
        raise Unusable(f"The file has more than {most_bytes // 1_000_000} MB. Split it into smaller ones.")
    if content.startswith(WORKBOOKS):
        raise Unusable("This is a workbook, not a list. In your spreadsheet choose “Save as”, then CSV (UTF-8).")
    rows = _rows(decoded(content))
    if not rows:
        raise Unusable("The file is empty.")
    if len(rows) > most_lines + 1:
        raise Unusable(f"The file has more than {most_lines:,} lines. Split it into smaller ones.")
    return rows


def heading(cell: str) -> str:
    """The cell as a heading is compared: its letters alone."""
    return _LETTERS.sub("", cell.lower())


def decoded(content: bytes) -> str:
    """The text, in whichever of the three encodings that spreadsheets write."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    return text.replace("\x00", "")


def _rows(text: str) -> list[tuple[int, list[str]]]:
    told = _NAMES_DELIMITER.match(text)
    if told is not None:
        text = "\n" + text[told.end() :]  # an empty line in its place: the others keep their numbers
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = told[1] if told is not None else max(DELIMITERS, key=first.count)
    physical = io.StringIO(text, newline="").readlines()
    csv.field_size_limit(MOST_BYTES)
    found, end = [], 0
    try:
        reader = csv.reader([*physical, _END], delimiter=delimiter)
        for number, row in enumerate(reader, start=1):
            start, end = end, reader.line_num
            _refuse_swallowed(physical[start:end], start + 1, is_open="".join(row).endswith(_END))
            _refuse_wide(row, start + 1)
            cells = [cell.replace(_END, "").strip()[:MOST_IN_A_CELL] for cell in row[:MOST_COLUMNS]]
            if any(cells):
                found.append((number, cells))
    except csv.Error:
        raise Unusable("The file cannot be read as a table. Save it as CSV (UTF-8) and try again.") from None
    return found


def _refuse_swallowed(lines: Sequence[str], first: int, *, is_open: bool) -> None:
    """Lines of the file are one row where a quotation mark stands open: a note of several lines, or one not closed.

    `is_open`: it never is.
    """
    swallowed = "".join(lines[1:])
    if is_open and swallowed.strip():
        until = "never closed"
    elif _NAMES_SOMEBODY.search(swallowed):
        until = f"closed in line {first + len(lines) - 1} only"
    else:
        return
    raise Unusable(
        f"Nothing was read: in line {first} a quotation mark (\") is opened that is {until}, and what follows it would "
        "be lost. Close it or take it out, and choose the file again."
    )


def _refuse_wide(row: Sequence[str], line: int) -> None:
    """What stands beyond the last column that is read must not be lost in silence."""
    if any(_NAMES_SOMEBODY.search(cell) for cell in row[MOST_COLUMNS:]):
        raise Unusable(f"Nothing was read: line {line} has more than {MOST_COLUMNS} columns. Give each order a line.")


def _headings(row: Sequence[str]) -> list[str]:
    """The row as headings; empty when it holds data already."""
    if any(_order_id(cell) or "@" in cell for cell in row):
        return []
    return [heading(cell) for cell in row]


def _by_heading(headings: Sequence[str]) -> Columns:
    def place(known: frozenset[str]) -> int | None:
        return next((index for index, heading in enumerate(headings) if heading in known), None)

    return Columns(place(ORDER_HEADINGS), place(ADDRESS_HEADINGS), place(REASON_HEADINGS), place(STATE_HEADINGS))


def _by_content(rows: Sequence[tuple[int, Sequence[str]]], known: Columns) -> Columns:
    """The columns that hold the most order numbers and the most addresses."""
    orders: dict[int, int] = {}
    addresses: dict[int, int] = {}
    for _, row in rows:
        for index, cell in enumerate(row):
            if _order_id(cell):
                orders[index] = orders.get(index, 0) + 1
            elif "@" in cell:
                addresses[index] = addresses.get(index, 0) + 1
    order, address = (max(counts, key=lambda i: counts[i], default=None) for counts in (orders, addresses))
    return Columns(order, address, known.reason, known.state)


def _lines(number: int, row: Sequence[str], columns: Columns, *, is_headless: bool) -> list[Line]:
    """What a line names; without headings, what its other cells name too: whoever has a list writes it as he likes."""
    chosen = {columns.order, columns.address}
    rest = [cell for index, cell in enumerate(row) if is_headless and index not in chosen]
    more = [(cell, _order_id(cell), normalise_alias(_bare(cell))) for cell in rest]
    named = [Line(number, cell, order_id, alias) for cell, order_id, alias in more if order_id or alias]
    first = _line(number, row, columns)
    return named if named and not first.amazon_order_id and not first.alias and not first.stranger else [first, *named]


def _line(number: int, row: Sequence[str], columns: Columns) -> Line:
    def cell(index: int | None) -> str:
        return row[index] if index is not None and index < len(row) else ""

    order, address = cell(columns.order), cell(columns.address)
    order_id, alias = _order_id(order), normalise_alias(_bare(address))
    unread = [text for text, found in ((order, order_id), (address, alias)) if text and not found]
    return Line(
        number,
        " · ".join(part for part in (order, address) if part) or " · ".join(part for part in row if part),
        order_id,
        alias,
        cell(columns.reason).lstrip("'")[:150],
        cell(columns.state).lower() in REVOKED,
        unread[0] if unread else "",
    )


def _order_id(text: str) -> str | None:
    """Spreadsheets and our own exports put a ' or a = before what could be taken for a number."""
    bare = text.strip().strip("'\"=").strip()
    return bare if is_order_id(bare) else None


def _bare(address: str) -> str:
    """The address alone, of `Name <address>` too."""
    inner = address.rpartition("<")[2] if address.endswith(">") else address
    return inner.rstrip(">").strip().strip("'\"")


def _name(index: int | None, names: Sequence[str]) -> str:
    if index is None:
        return ""
    return names[index] if index < len(names) and names[index] else f"column {index + 1}"
