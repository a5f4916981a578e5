"""Everything that rests sealed, brought under the newest key. Verb; `manage.py rotate_keys` runs it.

The columns are found by their name, so that a new one is never forgotten: what is sealed is called `..._sealed` (a test
holds that), and the second factors of allauth are the one thing that is not a column of ours.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from accounts import secrets
from accounts.rowsecurity import across_sellers

log = structlog.get_logger(__name__)

BATCH: Final = 500
SUFFIX: Final = "_sealed"
SEALED_FACTORS: Final = ("secret", "seed")  # within Authenticator.data


@dataclass(slots=True)
class Count:
    """What became of one column's rows."""

    name: str
    resealed: int = 0
    already: int = 0
    unreadable: int = 0  # no configured key opens them; left as they are


def columns() -> list[tuple[type[models.Model], str]]:
    """Every sealed column, by its table's name."""
    found = [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, models.BinaryField) and field.name.endswith(SUFFIX)
    ]
    return sorted(found, key=lambda column: (column[0]._meta.label, column[1]))


def reseal_everything() -> Iterator[Count]:
    """Seal by the newest key what an older one sealed, column by column. May be stopped and run again at any time.

    A row that changes meanwhile keeps what was written to it: that was sealed by the newest key anyway.
    """
    for model, name in columns():
        count = Count(f"{model._meta.label}.{name}")
        for pk in _batches(model):
            _reseal_rows(model, name, pk, count)
        yield count
    yield _reseal_factors()


def _batches(model: type[models.Model]) -> Iterator[list[Any]]:
    last: Any = None
    while True:
        with across_sellers("what is sealed is sealed anew"):
            rows = model._default_manager.order_by("pk")
            ids = list((rows.filter(pk__gt=last) if last is not None else rows).values_list("pk", flat=True)[:BATCH])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _reseal_rows(model: type[models.Model], name: str, ids: list[Any], count: Count) -> None:
    with across_sellers("what is sealed is sealed anew"), transaction.atomic():
        rows = model._default_manager.select_for_update().filter(pk__in=ids).exclude(**{name: None})
        # A few at a time: a document has megabytes.
        for pk, sealed in rows.order_by("pk").values_list("pk", name).iterator(chunk_size=5):
            if not sealed:
                continue
            try:
                fresh = secrets.reseal(sealed)
            except secrets.Unreadable:
                count.unreadable += 1
                log.error("sealed_unreadable", column=count.name, row=pk)
                continue
            if fresh is None:
                count.already += 1
                continue
            model._default_manager.filter(pk=pk).update(**{name: fresh})
            count.resealed += 1


def _reseal_factors() -> Count:
    """allauth keeps a factor's secrets as texts within a JSON column; recovery codes hang on a sealed seed."""
    count = Count("mfa.Authenticator.data")
    for factor in Authenticator.objects.order_by("pk").iterator():
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().get(pk=factor.pk)
            changed = {name: _fresh(row.data[name], count) for name in SEALED_FACTORS if name in row.data}
            if any(changed.values()):
                row.data |= {name: text for name, text in changed.items() if text}
                row.save(update_fields=["data"])
    return count


def _fresh(text: str, count: Count) -> str | None:
    try:
        fresh = secrets.reseal(base64.b64decode(text))
    except (secrets.Unreadable, ValueError):
        count.unreadable += 1
        return None
    if fresh is None:
        count.already += 1
        return None
    count.resealed += 1
    return base64.b64encode(fresh).decode()
