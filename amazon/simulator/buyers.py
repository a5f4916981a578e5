"""Buyers: a first name, an alias, a language, and whether they have opted out."""

import secrets
import sqlite3
import string
from dataclasses import dataclass
from typing import Any

from amazon.simulator import clock
from amazon.simulator.places import ALIAS_DOMAINS
from amazon.simulator.store import Store

_ALIAS_CHARACTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Buyer:
    """One buyer. The alias is an address of his own; messages to it land in his box unless he opted out."""

    buyer_id: int
    name: str
    alias: str
    locale: str
    opted_out_at: float | None

    @property
    def first_name(self) -> str:
        """What a notice calls him."""
        return self.name.split(" ")[0]

    @property
    def is_opted_out(self) -> bool:
        """Whether he takes no unsolicited messages from sellers."""
        return self.opted_out_at is not None


def read(row: sqlite3.Row) -> Buyer:
    """A row of the buyers' table as a value."""
    return Buyer(row["buyer_id"], row["name"], row["alias"], row["locale"], row["opted_out_at"])


def find(store: Store, buyer_id: int) -> Buyer | None:
    """The buyer with this id, or None."""
    row = store.row("SELECT * FROM buyers WHERE buyer_id = ?", buyer_id)
    return read(row) if row else None


def of_order(store: Store, buyer_id: int) -> Buyer:
    """The buyer that an order names. Raises LookupError if he is missing: an order is never kept without its buyer."""
    buyer = find(store, buyer_id)
    if buyer is None:
        raise LookupError(f"no buyer {buyer_id}")
    return buyer


def by_alias(store: Store, alias: str) -> Buyer | None:
    """The buyer of an alias; a `+thread` suffix and the letters' case do not matter (INBOUND.md 1.2)."""
    local, _, domain = alias.lower().partition("@")
    row = store.row("SELECT * FROM buyers WHERE alias = ?", f"{local.partition('+')[0]}@{domain}")
    return read(row) if row else None


def new_alias(domain: str) -> str:
    """A fresh alias in the form of INBOUND.md 1.1: 15 lower-case letters and digits."""
    return "".join(secrets.choice(_ALIAS_CHARACTERS) for _ in range(15)) + f"@{domain}"


def add(store: Store, wanted: dict[str, Any], alias_domain: str) -> Buyer:
    """The buyer with the wanted alias or id if he exists, else a new one.

    Raises ValueError for an alias outside the marketplaces' domains.
    """
    if wanted.get("buyer_id"):
        known = find(store, int(wanted["buyer_id"]))
        if known is None:
            raise ValueError(f"unknown buyer {wanted['buyer_id']}")
        return known
    alias = str(wanted.get("alias") or new_alias(alias_domain)).lower()
    if alias.rpartition("@")[2] not in ALIAS_DOMAINS:
        raise ValueError(f"{alias.rpartition('@')[2]!r} is no alias domain")
    known = by_alias(store, alias)
    if known is not None:
        return known
    opted_out_at: float | None = None
    if wanted.get("opted_out"):
        opted_out_at = clock.instant(wanted.get("opted_out_at") or clock.now())
    with store.write() as connection:
        made = connection.execute(
            "INSERT INTO buyers (name, alias, locale, opted_out_at) VALUES (?, ?, ?, ?)",
            (str(wanted.get("name") or "Sam"), alias, str(wanted.get("locale") or "en-US"), opted_out_at),
        )
    return Buyer(
        int(made.lastrowid or 0), str(wanted.get("name") or "Sam"), alias,
        str(wanted.get("locale") or "en-US"), opted_out_at,
    )  # fmt: skip


def set_opted_out(store: Store, buyer_id: int, opted_out: bool) -> None:
    """Opt a buyer out, or back in. Out twice keeps the first instant."""
    with store.write() as connection:
        if opted_out:
            connection.execute(
                "UPDATE buyers SET opted_out_at = coalesce(opted_out_at, ?) WHERE buyer_id = ?",
                (clock.now(), buyer_id),
            )
        else:
            connection.execute("UPDATE buyers SET opted_out_at = NULL WHERE buyer_id = ?", (buyer_id,))
