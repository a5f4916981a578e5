"""The simulator's memory: one SQLite file, one writer at a time.

Every fact is committed before it is answered for, so `kill -9` loses nothing that a caller was told.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
    selling_partner_id TEXT PRIMARY KEY, region TEXT NOT NULL, store_name TEXT NOT NULL, seller_name TEXT NOT NULL,
    marketplace_ids TEXT NOT NULL, language TEXT NOT NULL, mailbox TEXT NOT NULL, mode TEXT NOT NULL,
    inbound_address TEXT NOT NULL, approved_senders TEXT NOT NULL, has_restricted_role INTEGER NOT NULL,
    refresh_token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS grants (
    refresh_token TEXT PRIMARY KEY, selling_partner_id TEXT NOT NULL, granted_at REAL NOT NULL, revoked_at REAL);
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, selling_partner_id TEXT NOT NULL, redirect_uri TEXT NOT NULL,
    expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS access_tokens (
    access_token TEXT PRIMARY KEY, selling_partner_id TEXT, refresh_token TEXT, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS buyers (
    buyer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, alias TEXT NOT NULL UNIQUE, locale TEXT NOT NULL,
    opted_out_at REAL);
CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY, selling_partner_id TEXT NOT NULL, marketplace_id TEXT NOT NULL,
    buyer_id INTEGER NOT NULL, created_at REAL NOT NULL, due_from REAL NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_of_account ON orders (selling_partner_id, created_at);
CREATE INDEX IF NOT EXISTS orders_of_buyer ON orders (buyer_id);
CREATE TABLE IF NOT EXISTS receipts (
    receipt_id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL,
    selling_partner_id TEXT NOT NULL, order_id TEXT NOT NULL, buyer_id INTEGER NOT NULL, alias TEXT NOT NULL,
    message_id TEXT NOT NULL, is_double INTEGER NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS receipts_of_buyer ON receipts (buyer_id, at);
CREATE INDEX IF NOT EXISTS receipts_by_message_id ON receipts (message_id);
CREATE INDEX IF NOT EXISTS receipts_of_order ON receipts (order_id, kind);
CREATE TABLE IF NOT EXISTS relay_refusals (
    refusal_id INTEGER PRIMARY KEY, at REAL NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notices (
    notice_id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, selling_partner_id TEXT NOT NULL,
    order_id TEXT NOT NULL, mode TEXT NOT NULL, addressed_to TEXT NOT NULL, subject TEXT NOT NULL, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outgoing (
    outgoing_id INTEGER PRIMARY KEY, notice_id INTEGER, envelope_from TEXT NOT NULL, recipient TEXT NOT NULL,
    raw BLOB NOT NULL, queued_at REAL NOT NULL, next_try_at REAL NOT NULL, attempts INTEGER NOT NULL,
    state TEXT NOT NULL, last_answer TEXT NOT NULL, delivered_at REAL);
CREATE INDEX IF NOT EXISTS outgoing_waiting ON outgoing (next_try_at) WHERE state = 'queued';
CREATE TABLE IF NOT EXISTS people_mail (
    mail_id INTEGER PRIMARY KEY, at REAL NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    call_id INTEGER PRIMARY KEY, at REAL NOT NULL, operation TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    query TEXT NOT NULL, selling_partner_id TEXT NOT NULL, status INTEGER NOT NULL, message TEXT NOT NULL,
    request_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reports (
    report_id TEXT PRIMARY KEY, selling_partner_id TEXT NOT NULL, report_type TEXT NOT NULL,
    marketplace_ids TEXT NOT NULL, data_start REAL, data_end REAL, created_at REAL NOT NULL, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, report_id TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS destinations (destination_id TEXT PRIMARY KEY, name TEXT NOT NULL, arn TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS subscriptions (
    subscription_id TEXT PRIMARY KEY, selling_partner_id TEXT NOT NULL UNIQUE, destination_id TEXT NOT NULL,
    looked_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS queue (
    message_id TEXT NOT NULL, body TEXT NOT NULL, receipt TEXT NOT NULL, visible_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS signing_keys (
    domain TEXT PRIMARY KEY, selector TEXT NOT NULL, private_pem TEXT NOT NULL, public_base64 TEXT NOT NULL);
"""
# Keys outlive a reset: making them is the slowest thing that the simulator does.
KEPT_BY_RESET = {"signing_keys"}


class Store:
    """All tables behind one connection and one lock. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed when the block ends, rolled back when it raises. Others wait.

        A block inside another one belongs to the outer one's transaction.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def number(self, sql: str, *values: Any) -> int:
        """The one number that a counting query gives."""
        found = self.row(sql, *values)
        return int(found[0]) if found and found[0] is not None else 0

    def setting(self, name: str, default: str = "") -> str:
        """A named setting, or the default."""
        found = self.row("SELECT value FROM settings WHERE name = ?", name)
        return str(found["value"]) if found else default

    def set_setting(self, name: str, value: str) -> None:
        """Keep a named setting."""
        with self.write() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def reset(self) -> None:
        """Forget everything but the signing keys."""
        with self.write() as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for table in tables:
                if table["name"] not in KEPT_BY_RESET:
                    connection.execute(f"DELETE FROM {table['name']}")  # noqa: S608 - names from our own schema

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()
