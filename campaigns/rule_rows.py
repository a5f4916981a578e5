"""The rules of a campaign as rows of a form: what a page shows, and what it sends back. Without JavaScript too."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from accounts.export import plain
from campaigns.eligibility.conditions import (
    CHOICES,
    LISTS,
    LONGEST_LIST,
    NUMBERS,
    YES_NO,
    BadRule,
    Operator,
    RuleKind,
    parse,
)
from campaigns.models import Campaign, Rule
from campaigns.product_files import column_of
from optouts.list_files import Unusable, decoded, read_rows

MOST_ROWS: Final = 40
LONGEST_SHOWN: Final = 200  # members of a list that a page writes out; of a longer one it says how many there are
LARGEST_FILE: Final = 5_000_000
PICKED_FROM_ORDERS: Final = frozenset({RuleKind.SKU, RuleKind.ASIN})
NOTES: Final[dict[RuleKind, str]] = {
    RuleKind.REPEAT_BUYER: "As far as the buyer's anonymous address tells: Amazon may give one buyer several.",
    RuleKind.NEGATIVE_FEEDBACK: (
        "Careful: Amazon forbids asking only buyers who are content. Leaving out those who were not is your risk."
    ),
    RuleKind.PROMOTION: "Amazon tells of promotions on the items only.",
    RuleKind.SHIPPED_LATE: "Amazon tells it of orders that you ship yourself.",
    RuleKind.LANGUAGE: "Codes of two letters, like en or de. Amazon is asked for it two days before an order is due.",
    RuleKind.COUNTRY: "Codes of two letters, like US or DE. Amazon tells it in a report, which we fetch once a day.",
    RuleKind.DOMESTIC: "Amazon tells the country in a report, which we fetch once a day.",
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One row. `kept`: the stored rule whose long list is not written out, and goes on with what is added."""

    uid: str
    kind: str = ""
    operator: str = Operator.IS
    values: tuple[str, ...] = ()
    kept: int | None = None
    trouble: str = ""

    @property
    def form(self) -> str:
        """Which inputs it needs."""
        if not self.kind:
            return "none"
        kind = RuleKind(self.kind)
        if kind in YES_NO:
            return "yes_no"
        if kind in CHOICES:
            return "choices"
        if kind in LISTS:
            return "list"
        return "days" if kind is RuleKind.ORDERED_BETWEEN else "number" if kind is RuleKind.QUANTITY else "money"

    @property
    def choices(self) -> list[tuple[str, bool]]:
        return [(choice, choice in self.values) for choice in CHOICES[RuleKind(self.kind)]]

    @property
    def shown(self) -> str:
        """The list as its field says it; nothing of a kept one."""
        return "" if self.kept else "\n".join(self.values)

    @property
    def low(self) -> str:
        return self._value(0)

    @property
    def high(self) -> str:
        return self._value(1)

    @property
    def currency(self) -> str:
        return self._value(2)

    @property
    def note(self) -> str:
        return NOTES.get(RuleKind(self.kind), "") if self.kind else ""

    @property
    def can_pick(self) -> bool:
        return self.kind in PICKED_FROM_ORDERS

    def _value(self, index: int) -> str:
        return self.values[index] if index < len(self.values) else ""


KINDS: Final = [(kind.value, str(kind.label)) for kind in Rule.Kind]
assert set(LISTS) | set(NUMBERS) | set(YES_NO) | {RuleKind.ORDERED_BETWEEN} == set(RuleKind)


def empty_row(kind: str = "", *, operator: str = Operator.IS) -> RuleRow:
    return RuleRow(secrets.token_hex(4), kind if kind in set(RuleKind) else "", operator)


def rows_of(campaign: Campaign) -> list[RuleRow]:
    """The stored rules."""
    return [
        RuleRow(str(rule.pk), rule.kind, rule.operator, tuple(rule.values), rule.pk if _is_long(rule) else None)
        for rule in campaign.rules.all()
    ]


def _is_long(rule: Rule) -> bool:
    return RuleKind(rule.kind) in LISTS and len(rule.values) > LONGEST_SHOWN


def rows_sent(data: QueryDict, files: MultiValueDict[str, Any], campaign: Campaign) -> list[RuleRow]:
    """What a post says, each with its trouble, if any. A row without a kind is none."""
    stored = {rule.pk: rule for rule in campaign.rules.all()}
    uids = [uid for uid in data.getlist("rule") if data.get(f"{uid}-kind")]
    rows = [_row(uid, data, files, stored) for uid in uids[:MOST_ROWS]]
    if len(uids) > MOST_ROWS:
        rows[-1] = replace(rows[-1], trouble=f"A campaign has at most {MOST_ROWS} rules: take some away.")
    return [row for row in rows if row.kind]


def _row(uid: str, data: QueryDict, files: MultiValueDict[str, Any], stored: dict[int, Rule]) -> RuleRow:
    kind, operator = data.get(f"{uid}-kind", ""), data.get(f"{uid}-operator", "")
    if kind not in set(RuleKind):
        return RuleRow(uid)
    operator = operator if operator in set(Operator) else Operator.IS
    kept_id = data.get(f"{uid}-kept", "")
    kept = stored.get(int(kept_id)) if kept_id.isdecimal() and len(kept_id) < 19 else None
    row = RuleRow(uid, kind, operator, kept=kept.pk if kept else None)
    if kept_id and kept is None:  # what is added to a list must not take its place
        return replace(row, trouble="This list has been changed meanwhile. Load the page again, and add to it there.")
    try:
        values = _values(row, data, files, kept)
        row = RuleRow(uid, kind, operator, values, row.kept)
        parse(RuleKind(kind), Operator(operator), values)
    except BadRule as trouble:
        return RuleRow(uid, kind, operator, row.values, row.kept, str(trouble))
    return row


def _values(row: RuleRow, data: QueryDict, files: MultiValueDict[str, Any], kept: Rule | None) -> tuple[str, ...]:
    if row.form == "yes_no":
        return ()
    if row.form == "choices":
        return tuple(data.getlist(f"{row.uid}-choice"))
    if row.form != "list":
        return tuple(data.get(f"{row.uid}-{name}", "").strip() for name in ("low", "high", "currency"))
    typed = _lines(data.get(f"{row.uid}-values", ""))
    file = files.get(f"{row.uid}-file")
    from_file = _values_in(row.kind, file) if file else []
    before = kept.values if kept and kept.kind == row.kind else []
    # In the order in which they came, each once.
    return tuple(dict.fromkeys([*before, *typed, *data.getlist(f"{row.uid}-picked"), *from_file]))


def _values_in(kind: str, file: Any) -> list[str]:
    """Of a table the column that is headed so; of any other file every value."""
    if file.size > LARGEST_FILE:
        raise BadRule("The file is too large: 5 MB is the most.")
    content: bytes = file.read()
    try:
        rows = read_rows(content, most_bytes=LARGEST_FILE, most_lines=LONGEST_LIST)
    except Unusable as trouble:
        raise BadRule(str(trouble)) from None
    place = column_of(kind, rows[0][1])
    if place is None:
        return _lines(decoded(content))
    return [plain(row[place]) for _, row in rows[1:] if place < len(row) and row[place]]


def _lines(text: str) -> list[str]:
    """One value a line, or several with commas, semicolons or tabs between: what is pasted from anywhere."""
    return [value for line in text.splitlines() for value in _cells(line)]


def _cells(line: str) -> Iterable[str]:
    cells = line.replace(";", ",").replace("\t", ",").split(",")
    return [cell for cell in (part.strip().strip('"').strip() for part in cells) if cell]
