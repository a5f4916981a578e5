"""Selling partners: who sells, where, what they may see, and where their mail goes."""

import json
import secrets
import sqlite3
import string
from dataclasses import dataclass
from typing import Any

from amazon.simulator import clock
from amazon.simulator.places import PLACES
from amazon.simulator.store import Store

MODES = ("direct", "gmail", "none")
_CAPITALS = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True)
class Account:
    """One selling partner account.

    `mode` says how notices reach the product: `direct` (Seller Central writes to the inbound address), `gmail` (they
    come to the mailbox, which forwards them), `none` (they stay in the mailbox).
    """

    selling_partner_id: str
    region: str
    store_name: str
    seller_name: str
    marketplace_ids: tuple[str, ...]
    language: str
    mailbox: str
    mode: str
    inbound_address: str
    approved_senders: tuple[str, ...]
    has_restricted_role: bool
    refresh_token: str

    def as_json(self) -> dict[str, Any]:
        """The account as the control API shows it."""
        return {
            "selling_partner_id": self.selling_partner_id,
            "region": self.region,
            "store_name": self.store_name,
            "seller_name": self.seller_name,
            "marketplace_ids": list(self.marketplace_ids),
            "language": self.language,
            "mailbox": self.mailbox,
            "mode": self.mode,
            "inbound_address": self.inbound_address,
            "approved_sender": self.approved_senders[0] if self.approved_senders else "",
            "approved_senders": list(self.approved_senders),
            "has_restricted_role": self.has_restricted_role,
            "refresh_token": self.refresh_token,
        }


def _read(row: sqlite3.Row) -> Account:
    return Account(
        selling_partner_id=row["selling_partner_id"],
        region=row["region"],
        store_name=row["store_name"],
        seller_name=row["seller_name"],
        marketplace_ids=tuple(json.loads(row["marketplace_ids"])),
        language=row["language"],
        mailbox=row["mailbox"],
        mode=row["mode"],
        inbound_address=row["inbound_address"],
        approved_senders=tuple(json.loads(row["approved_senders"])),
        has_restricted_role=bool(row["has_restricted_role"]),
        refresh_token=row["refresh_token"],
    )


def all_accounts(store: Store) -> list[Account]:
    """Every account, in the order of their making."""
    return [_read(row) for row in store.rows("SELECT * FROM accounts ORDER BY rowid")]


def find(store: Store, selling_partner_id: str) -> Account | None:
    """The account with this id, or None."""
    row = store.row("SELECT * FROM accounts WHERE selling_partner_id = ?", selling_partner_id)
    return _read(row) if row else None


def new_selling_partner_id() -> str:
    """A fresh id in Amazon's form: A and 13 capitals or digits."""
    return "A" + "".join(secrets.choice(_CAPITALS) for _ in range(13))


def open_account(store: Store, wanted: dict[str, Any]) -> Account:
    """Make an account and its first refresh token from what the control API was given.

    Raises ValueError for a marketplace, region mix or mode that does not exist.
    """
    marketplace_ids = tuple(wanted.get("marketplace_ids") or ("ATVPDKIKX0DER",))
    unknown = [each for each in marketplace_ids if each not in PLACES]
    if unknown:
        raise ValueError(f"unknown marketplace {unknown[0]}")
    regions = {PLACES[each].region for each in marketplace_ids}
    if len(regions) != 1:
        raise ValueError("an account's marketplaces must lie in one region")
    selling_partner_id = str(wanted.get("selling_partner_id") or new_selling_partner_id())
    store_name = str(wanted.get("store_name") or f"Store {selling_partner_id[-4:]}")
    mode = str(wanted.get("mode") or "none")
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is none of {', '.join(MODES)}")
    senders = wanted.get("approved_senders") or [f"{selling_partner_id.lower()}@send.feedbackfive.example"]
    account = Account(
        selling_partner_id=selling_partner_id,
        region=regions.pop(),
        store_name=store_name,
        seller_name=str(wanted.get("seller_name") or store_name),
        marketplace_ids=marketplace_ids,
        language=str(wanted.get("language") or PLACES[marketplace_ids[0]].language),
        mailbox=str(wanted.get("mailbox") or f"{selling_partner_id.lower()}@gmail.com"),
        mode=mode,
        inbound_address=str(wanted.get("inbound_address") or ""),
        approved_senders=tuple(str(each).lower() for each in senders),
        has_restricted_role=bool(wanted.get("has_restricted_role", True)),
        refresh_token=str(wanted.get("refresh_token") or new_refresh_token()),
    )
    _insert(store, account)
    return account


def new_refresh_token() -> str:
    """A fresh refresh token in Amazon's form."""
    return f"Atzr|{secrets.token_urlsafe(60)}"


def _insert(store: Store, account: Account) -> None:
    with store.write() as connection:
        connection.execute(
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                account.selling_partner_id,
                account.region,
                account.store_name,
                account.seller_name,
                json.dumps(account.marketplace_ids),
                account.language,
                account.mailbox,
                account.mode,
                account.inbound_address,
                json.dumps(account.approved_senders),
                account.has_restricted_role,
                account.refresh_token,
            ),
        )
        connection.execute(
            "INSERT INTO grants VALUES (?, ?, ?, NULL)",
            (account.refresh_token, account.selling_partner_id, clock.now()),
        )


def set_mailbox(store: Store, selling_partner_id: str, wanted: dict[str, Any]) -> Account:
    """Set where an account's notices go: any of `mailbox`, `inbound_address`, `mode`, `approved_senders`.

    Raises ValueError for an unknown account or mode.
    """
    account = find(store, selling_partner_id)
    if account is None:
        raise ValueError(f"unknown selling partner {selling_partner_id}")
    mode = str(wanted.get("mode", account.mode))
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is none of {', '.join(MODES)}")
    senders = [str(each).lower() for each in wanted.get("approved_senders", account.approved_senders)]
    with store.write() as connection:
        connection.execute(
            "UPDATE accounts SET mailbox = ?, inbound_address = ?, mode = ?, approved_senders = ?"
            " WHERE selling_partner_id = ?",
            (
                str(wanted.get("mailbox", account.mailbox)),
                str(wanted.get("inbound_address", account.inbound_address)),
                mode,
                json.dumps(senders),
                selling_partner_id,
            ),
        )
    changed = find(store, selling_partner_id)
    assert changed is not None  # noqa: S101 - it was there a moment ago, and accounts are never deleted alone
    return changed


def revoke(store: Store, selling_partner_id: str, *, at: float | None = None) -> int:
    """The seller withdraws the application's authorisation, now or at an instant to come: from then on refresh and
    access tokens are worth nothing. Returns how many grants."""
    with store.write() as connection:
        done = connection.execute(
            "UPDATE grants SET revoked_at = ? WHERE selling_partner_id = ? AND revoked_at IS NULL",
            (clock.now() if at is None else at, selling_partner_id),
        )
        return done.rowcount


def is_revoked(store: Store, selling_partner_id: str) -> bool:
    """Has every authorisation of this account been withdrawn?"""
    grants = "SELECT count(*) FROM grants WHERE selling_partner_id = ?"
    return not store.number(f"{grants} AND (revoked_at IS NULL OR revoked_at > ?)", selling_partner_id, clock.now())


def likely_visitor(store: Store) -> str:
    """Who probably stands at the consent page: a seller who has taken his authorisation back, or one for whom nothing
    has ever been asked; the latest of them, or of all. Empty where there is no seller, and where there are both kinds:
    somebody new would be led to sign in as another team's shop, and be refused."""
    everybody = [account.selling_partner_id for account in all_accounts(store)]
    strangers = [id for id in everybody if not store.row("SELECT 1 FROM calls WHERE selling_partner_id = ?", id)]
    gone = [id for id in everybody if is_revoked(store, id)]
    if set(gone) - set(strangers) and set(strangers) - set(gone):
        return ""
    return next(reversed(gone or strangers or everybody), "")


def throttle(store: Store, selling_partner_id: str, is_throttled: bool) -> None:
    """From now on every review request of this account is answered 429, as where another application of the seller
    uses up the quota that they share; or no longer."""
    store.set_setting(f"throttled_{selling_partner_id}", "yes" if is_throttled else "")


def is_throttled(store: Store, selling_partner_id: str) -> bool:
    """Is every review request of this account answered 429?"""
    return bool(store.setting(f"throttled_{selling_partner_id}"))
