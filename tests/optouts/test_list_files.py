"""A seller's file taken apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optouts.list_files import MOST_BYTES, Line, Unusable, take_apart

ORDER, OTHER = "111-2222222-3333333", "111-2222222-4444444"
ALIAS = "abc123def456ghi@marketplace.amazon.de"


def lines(text: str | bytes) -> tuple[Line, ...]:
    return take_apart(text.encode() if isinstance(text, str) else text).lines


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_columns_are_found_by_their_headings(separator: str) -> None:
    text = "\n".join(separator.join(row) for row in (["Name", "Amazon Order Id", "Buyer E-mail"], ["Jo", ORDER, ALIAS]))

    (line,) = lines(text)

    assert (line.number, line.amazon_order_id, line.alias) == (2, ORDER, ALIAS)


def test_columns_without_headings_are_found_by_what_stands_in_them() -> None:
    found = lines(f"x,{ALIAS},{ORDER}\ny,{ALIAS.replace('abc', 'xyz')},{OTHER}\n")

    assert [line.amazon_order_id for line in found] == [ORDER, OTHER]
    assert found[1].alias == "xyz123def456ghi@marketplace.amazon.de"


def test_every_order_of_a_line_without_headings_comes_out() -> None:
    found = lines(f"{ORDER}, {OTHER}, {ALIAS}, {ALIAS.replace('abc', 'xyz')}\n")

    assert {(line.amazon_order_id, line.alias) for line in found} == {
        (ORDER, ALIAS), (OTHER, None), (None, ALIAS.replace("abc", "xyz")),
    }  # fmt: skip
    assert {line.number for line in found} == {1}


def test_a_line_is_not_refused_whose_order_stands_in_another_column() -> None:
    assert [line.amazon_order_id for line in lines(f"{ORDER},a\n{OTHER},b\n,{ORDER}\n")] == [ORDER, OTHER, ORDER]


def test_orders_beyond_the_last_column_are_not_lost_in_silence() -> None:
    with pytest.raises(Unusable, match="line 1 has more than 60 columns"):
        lines(",".join([ORDER] * 61))


def test_a_line_that_tells_excel_the_separator_is_no_row() -> None:
    (line,) = lines(f"sep=;\r\nBuyer Email;Order ID;Reason\r\n{ALIAS};{ORDER};1, 2, 3, 4\r\n")

    assert (line.number, line.amazon_order_id, line.alias, line.reason) == (3, ORDER, ALIAS, "1, 2, 3, 4")


@pytest.mark.parametrize("beginning", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_a_workbook_is_called_by_its_name(beginning: bytes) -> None:
    with pytest.raises(Unusable, match="Save as"):
        take_apart(beginning + b"\0" * 500)


def test_unknown_headings_do_not_hide_a_column() -> None:
    assert lines(f"Kundennummer,Wer\n{ORDER},{ALIAS}\n")[0].amazon_order_id == ORDER


def test_every_line_that_holds_something_comes_out() -> None:
    found = lines(f"Order ID,Email\n{ORDER},\n\n,jo@example.com\nnonsense,\n")

    assert [(line.number, line.amazon_order_id, line.stranger) for line in found] == [
        (2, ORDER, ""),
        (4, None, "jo@example.com"),
        (5, None, "nonsense"),
    ]


def test_aliases_come_in_any_spelling() -> None:
    found = lines(f"email\nJo B <{ALIAS.upper()}>\n{ALIAS.replace('@', '+thread@')}\n")

    assert [line.alias for line in found] == [ALIAS, ALIAS]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_spreadsheets_write_many_encodings(encoding: str) -> None:
    (line,) = lines(f"Order ID,Reason\n{ORDER},schön gegrüßt\n".encode(encoding))

    assert (line.amazon_order_id, line.reason) == (ORDER, "schön gegrüßt")


def test_our_own_export_says_which_entries_are_revoked() -> None:
    text = f"Order,Stops,Since (UTC),Reason,Grade,Evidence,State\n{ORDER},x,y,z,,e,Revoked\n{OTHER},x,y,z,,e,In force\n"

    assert [line.is_revoked for line in lines(text)] == [True, False]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (b"name,town\nJo,Bath\n", "No column"),
        (b"x" * (MOST_BYTES + 1), "1 MB"),
        (f"{ORDER}\n".encode() * 10_002, "10,000 lines"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content: bytes, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        take_apart(content)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("rows", "line", "until"),
    [
        ([ORDER + ',"Jo', OTHER + ",Ann"], 2, "never closed"),
        ([ORDER + ",Jo", '"' + OTHER, OTHER, OTHER], 3, "never closed"),
        (['"' + ORDER + ',Jo', OTHER + ",Ann", OTHER + ',"Bo"', OTHER + ",Cy"], 2, "closed in line 4 only"),
        ([f'{ORDER},"a\nb"', f'{ORDER},"Jo', f'{ALIAS},"Ann"'], 4, "closed in line 5 only"),
    ],
)  # fmt: skip
def test_a_quotation_mark_that_stays_open_swallows_nothing_in_silence(
    rows: list[str], line: int, until: str, ending: str
) -> None:
    content = "\n".join(["Order ID,Note", *rows, ""]).replace("\n", ending)

    with pytest.raises(Unusable, match=rf"in line {line} a quotation mark \(\"\) is opened that is {until},"):
        lines(content)


@pytest.mark.parametrize(
    "note", ['"first line\nsecond line"', '"says ""no"""', '5" nail', '"open at the end', '"open\n\n']
)
def test_quotation_marks_that_swallow_nobody_do_no_harm(note: str) -> None:
    assert [line.amazon_order_id for line in lines(f"Order ID,Note\n{OTHER},\n{ORDER},{note}")] == [OTHER, ORDER]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=300).map(lambda text: f"Order ID\n{text}".encode())))
def test_no_content_breaks_it(content: bytes) -> None:
    try:
        file = take_apart(content)
    except Unusable as reason:
        assert str(reason).endswith(".")
    else:
        assert len({line.number for line in file.lines}) == len(file.lines)
