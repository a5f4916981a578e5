"""What a mail is, in words, wherever operators read it: for the tables whose rows have a kind."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import ReadOnlyAdmin
from optouts.models import Notice, NoticeReading
from optouts.reasons import KINDS_IN_WORDS
from optouts.setup import TEST_KIND

WORDS: Final[dict[str, str]] = {**KINDS_IN_WORDS, TEST_KIND: "Test notice"}


class KindFilter(admin.SimpleListFilter):
    """Every kind that there is: to look which ones occur would read the whole table."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(kind), words) for kind, words in WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in WORDS else queryset


class OfAKind(ReadOnlyAdmin):
    """`what` is the kind in words."""

    @admin.display(description="Kind", ordering="kind")
    def what(self, row: Notice | NoticeReading) -> str:
        return WORDS.get(row.kind, row.kind) or "–"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["what" if name == "kind" else name for name in super().get_fields(request, obj)]
