"""Mail on its way to the product's listener: a queue in the state file, tried until it is taken.

A temporary refusal (4xx) or no connection is tried again for five days; a refusal for good (5xx) is written down.
"""

import smtplib
import threading
from dataclasses import dataclass
from typing import Any

from amazon.simulator import clock
from amazon.simulator.simulation import Simulation
from amazon.simulator.store import Store

LONGEST_PAUSE = 15.0
GIVE_UP_AFTER = 5 * clock.DAY
BATCH = 20


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished mail and its envelope; an empty `envelope_from` is the null sender."""

    envelope_from: str
    recipient: str
    raw: bytes


def queue(simulation: Simulation, letter: Letter, *, notice_id: int | None = None, delay: float = 0.0) -> int:
    """Put a mail into the queue, not to be tried before `delay` seconds. Returns its number."""
    now = clock.now()
    with simulation.store.write() as connection:
        made = connection.execute(
            "INSERT INTO outgoing (notice_id, envelope_from, recipient, raw, queued_at, next_try_at, attempts, state,"
            " last_answer) VALUES (?, ?, ?, ?, ?, ?, 0, 'queued', '')",
            (notice_id, letter.envelope_from, letter.recipient, letter.raw, now, now + delay),
        )
    simulation.mail_waiting.set()
    return int(made.lastrowid or 0)


def as_json(store: Store) -> list[dict[str, Any]]:
    """The whole queue, oldest first, without the bytes."""
    rows = store.rows(
        "SELECT outgoing_id, notice_id, envelope_from, recipient, attempts, state, last_answer FROM outgoing"
        " ORDER BY outgoing_id"
    )
    return [dict(row) for row in rows]


class Postman(threading.Thread):
    """The thread that carries the queue out, one mail after the other, until told to stop."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(name="postman", daemon=True)
        self._simulation = simulation
        self._stopping = threading.Event()

    def run(self) -> None:
        """Carry what is due; sleep until something new comes or a second has passed."""
        while not self._stopping.is_set():
            self._simulation.mail_waiting.clear()
            for outgoing_id in self._due():
                if self._stopping.is_set():
                    return
                self._carry(outgoing_id)
            self._simulation.mail_waiting.wait(1.0)

    def stop(self) -> None:
        """End after the mail in hand."""
        self._stopping.set()
        self._simulation.mail_waiting.set()

    def _due(self) -> list[int]:
        rows = self._simulation.store.rows(
            "SELECT outgoing_id FROM outgoing WHERE state = 'queued' AND next_try_at <= ? ORDER BY next_try_at LIMIT ?",
            clock.now(),
            BATCH,
        )
        return [row["outgoing_id"] for row in rows]

    def _carry(self, outgoing_id: int) -> None:
        row = self._simulation.store.row("SELECT * FROM outgoing WHERE outgoing_id = ?", outgoing_id)
        if row is None:
            return
        letter = Letter(row["envelope_from"], row["recipient"], row["raw"])
        code, answer = _hand_over(self._simulation.inbound, letter)
        attempts, now = row["attempts"] + 1, clock.now()
        pause = min(LONGEST_PAUSE, 2.0 ** min(row["attempts"], 10))
        if code == 250:
            state, next_try_at = "delivered", now
        elif code >= 500 or now - row["queued_at"] > GIVE_UP_AFTER:
            state, next_try_at = "refused", now
        else:
            state, next_try_at = "queued", now + pause
        with self._simulation.store.write() as connection:
            connection.execute(
                "UPDATE outgoing SET attempts = ?, state = ?, next_try_at = ?, last_answer = ?, delivered_at = ?"
                " WHERE outgoing_id = ?",
                (attempts, state, next_try_at, answer, now if state == "delivered" else None, outgoing_id),
            )


def _hand_over(inbound: tuple[str, int], letter: Letter) -> tuple[int, str]:
    """One SMTP dialogue: the code that decides, and its words; 0 when there was no answer."""
    try:
        with smtplib.SMTP(inbound[0], inbound[1], local_hostname="mail-sim.example", timeout=10) as connection:
            connection.sendmail(letter.envelope_from, [letter.recipient], letter.raw)
    except smtplib.SMTPRecipientsRefused as refused:
        code, words = next(iter(refused.recipients.values()))
        return code, f"{code} {words.decode('utf-8', 'replace')}"
    except smtplib.SMTPResponseException as refused:
        said = refused.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return refused.smtp_code, f"{refused.smtp_code} {text}"
    except (smtplib.SMTPException, OSError) as trouble:
        return 0, f"no answer: {trouble}"
    return 250, "250 accepted"
