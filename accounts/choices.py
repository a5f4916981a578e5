"""Choices whose list is asked for when it is needed, so that a new member needs no migration."""

from typing import Any

from django.db import models


class Choices(models.TextChoices):
    """Name a field's choices as `choices=Status.offered`."""

    @classmethod
    def offered(cls) -> list[tuple[str, Any]]:
        return list(cls.choices)
