"""The process that sends: how many of which account are taken up when. `manage.py dispatch` runs it.

One event loop for the network, a thread for the database on each channel and one that looks who has something to send,
and a handful of numbers for each account. A channel goes turn by turn: what came of its last messages is written down,
and others are taken up in their place, in one transaction. The promises are those of `dispatch` and hold for any number
of these processes; what is here is pace and fairness only:

- every account that has something due gets an equal part of each batch, however long its queue is;
- an account begins with one message, and gets more at a time with each that goes well: what is wrong with it (a
  throttled token, a sender that is not approved, a hand-over that hangs) is found out by one;
- at most 50 messages of a channel are in hand; one that has waited for its answer for two seconds does not count any
  more, so accounts that hang take nothing from the others;
- an account is kept by one process at a time, which alone counts its daily cap; all that send keep equally many.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, ParamSpec, Protocol, TypeVar

import structlog
from django.db import Error, connection, transaction

from accounts.rowsecurity import across_sellers
from messaging import dispatch, pacing
from messaging.dispatch import BATCH, Outcome, Parcel, Unknown
from messaging.gateways.base import AccountTrouble, Answer, Deferred, Gateway, Receipt
from messaging.models import Channel

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 0.4  # seconds, while little is due; a message that becomes due waits for half of it
SLOW: Final = 2.0
NEARBY: Final = 0.03
GATHERED_FOR: Final = 0.02  # at most, outcomes from a relay nearby, before they are written together
AT_AMAZONS_PACE: Final = 0.05  # between two batches of requests
COUNT_AGAIN_AFTER: Final = 60.0
KEPT_FOR: Final = 5.0  # then others have their turn with the account, if there are accounts that nobody serves
MOST_KEPT: Final = 300
AFTER_TROUBLE: Final = 15.0
MOST_DOUBLINGS: Final = 4  # of an account's pause, while Amazon puts off one message after the other
INSISTS_FOR: Final = 20.0  # on writing outcomes, when it is to end and the database is away
P = ParamSpec("P")
T = TypeVar("T")
IN_HAND: Final[Mapping[Channel, int]] = {
    Channel.BUYER_EMAIL: BATCH,
    Channel.REQUEST_REVIEW: 2 * BATCH,
    Channel.ORDER_MESSAGE: BATCH,
}


class Doors(Protocol):
    """What the engine needs of the outside."""

    def gateway(self, account_id: int, channel: Channel) -> Gateway:
        """The way out for this account. Called in the event loop, for accounts that `prepare` was told of."""
        ...

    def prepare(self, account_ids: Iterable[int]) -> None:
        """Read what the gateways of these accounts need. In a database thread, when an account is kept anew."""
        ...

    def leave(self, account_ids: Iterable[int], channel: Channel) -> Mapping[int, timedelta]:
        """Take leave for one call of each account: zero, or how long it has to wait. Called in a database thread."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class Lane:
    """One account on one channel."""

    width: int = 1  # how many may be in hand at once
    in_hand: int = 0
    is_due: bool = False
    not_before: float = 0.0
    put_off: int = 0  # how many times in a row


@dataclass(slots=True)
class Account:
    """An account that this process keeps. `left` is what the daily cap has room for."""

    kept_since: float
    left: int
    counted_at: float
    taken: int = 0  # since it is kept
    asked_for: int = 0  # of what is being taken up at this moment: nobody knows yet how many it will be
    is_leaving: bool = False
    is_over: bool = False  # it is another's perhaps, or has to be read anew: nothing more is taken up for it
    lanes: dict[Channel, Lane] = field(default_factory=lambda: {channel: Lane() for channel in Channel})

    @property
    def in_hand(self) -> int:
        """Taken up, or about to be, and not answered."""
        return self.asked_for + sum(lane.in_hand for lane in self.lanes.values())


class Engine:
    """Runs until `stop`. `clock` gives the instants that are written down."""

    def __init__(
        self, doors: Doors, *, clock: Callable[[], datetime], in_hand: Mapping[Channel, int] = IN_HAND
    ) -> None:
        self._doors, self._clock, self._most = doors, clock, in_hand
        self._accounts: dict[int, Account] = {}
        self._hands: dict[Channel, dict[int, float]] = {channel: {} for channel in Channel}  # message: since when
        self._done: dict[Channel, list[Outcome]] = {channel: [] for channel in Channel}  # and not written down yet
        self._done_since = dict.fromkeys(Channel, 0.0)
        self._carrying: set[asyncio.Task[None]] = set()
        self._takes = dict.fromkeys(Channel, 0.0)  # seconds that a hand-over takes, smoothed
        self._paused_until = dict.fromkeys(Channel, 0.0)  # a channel's route is in trouble
        self._stopping = asyncio.Event()
        self._news = {channel: asyncio.Event() for channel in Channel}
        self._connection: object = None
        self._threads = {name: ThreadPoolExecutor(1, name) for name in ("look", *Channel)}

    def stop(self) -> None:
        """Take nothing up any more; `run` ends when what is in hand has been settled."""
        self._stopping.set()
        self._tell_all()

    async def run(self) -> None:
        parts = [asyncio.create_task(part) for part in (self._look(), *(self._serve(channel) for channel in Channel))]
        for part in parts:
            part.add_done_callback(lambda _: self.stop())  # whatever ends it ends us: it would be missing
        try:
            await asyncio.gather(*parts)
        finally:
            await asyncio.wait([*parts, *self._carrying])
            await self._doors.close()
            for thread in self._threads.values():
                thread.submit(_hang_up)
                thread.shutdown()

    async def _in(self, thread: str, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads[thread], partial(_on_a_sound_connection, job, *args, **kwargs)
        )

    # --- Who has something to send ------------------------------------------------------------------------------

    async def _look(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._look_once()
            except Error as trouble:
                log.warning("database_trouble", trouble=type(trouble).__name__)
            took = time.monotonic() - began
            await _wait(self._stopping, max(LOOK_EVERY, 5 * took))

    async def _look_once(self) -> None:
        due, senders = await self._in("look", self._ask)
        wanted = dict.fromkeys(account_id for account_id, _ in due)
        now = time.monotonic()
        strangers = [account_id for account_id in wanted if account_id not in self._accounts]
        # No more than our part of those that have something due: the rest is for the other processes.
        part = min(MOST_KEPT, math.ceil(len(wanted) / senders))
        is_full = bool(strangers) and len(self._accounts) >= MOST_KEPT
        too_many = len(self._accounts.keys() & wanted) - part
        for account_id, account in self._accounts.items():
            is_tired = is_full and now - account.kept_since > KEPT_FOR
            account.is_leaving = account.is_over or account_id not in wanted or is_tired or too_many > 0
            too_many -= account_id in wanted
        staying = sum(not account.is_leaving for account in self._accounts.values())
        room = min(part - staying, MOST_KEPT - len(self._accounts))
        leaving = [pk for pk, account in self._accounts.items() if account.is_leaving and not account.in_hand]
        stale = [
            pk
            for pk, account in self._accounts.items()
            if pk not in leaving and (now - account.counted_at > COUNT_AGAIN_AFTER or account.left <= 0)
        ]
        taken = {account_id: self._accounts[account_id].taken for account_id in stale}
        kept, left = await self._in("look", self._exchange, leaving, strangers, room, stale)
        if kept is None:  # the connection was lost, and all that we kept with it
            self._accounts = {pk: account for pk, account in self._accounts.items() if account.in_hand}
            for account in self._accounts.values():
                account.is_leaving = account.is_over = True
            return
        for account_id in leaving:
            del self._accounts[account_id]
        for account_id in kept:
            self._accounts[account_id] = Account(now, left[account_id], now)
        for account_id in stale:
            account = self._accounts[account_id]
            # What was taken up while we counted, or is being taken up, may be in the count or not: it is taken off to
            # be sure.
            account.left = left[account_id] - (account.taken - taken[account_id]) - account.asked_for
            account.counted_at = now
        for account_id, channel in due:
            if account_id in self._accounts:
                self._accounts[account_id].lanes[channel].is_due = True
        self._tell_all()

    def _tell_all(self) -> None:
        for news in self._news.values():
            news.set()

    def _ask(self) -> tuple[list[tuple[int, Channel]], int]:
        return pacing.with_due(now=self._clock()), pacing.count_among_senders()

    def _exchange(
        self, leaving: list[int], strangers: list[int], room: int, stale: list[int]
    ) -> tuple[set[int] | None, dict[int, int]]:
        """In the thread whose connection holds the locks: give accounts up, keep others, and count what is left."""
        connection.ensure_connection()
        if self._connection is not connection.connection:
            is_first, self._connection = self._connection is None, connection.connection
            connection.close_at = None  # not for its age: all that we keep would be lost with it
            if not is_first:
                return None, {}
        if leaving:
            pacing.give_up(leaving)
        kept = pacing.keep(strangers, most=room) if room > 0 else set()
        self._doors.prepare(kept)
        return kept, pacing.left_of([*kept, *stale], now=self._clock())

    # --- One channel --------------------------------------------------------------------------------------------

    async def _serve(self, channel: Channel) -> None:
        """Turn by turn, until we are to stop and nothing is in hand.

        One that cannot write outcomes then insists for a while, and leaves them in `sending`: `reap` will show them as
        unknown.
        """
        is_troubled, give_up_at = False, math.inf
        while True:
            outcomes, shares = self._to_write(channel), dict[int, int]()
            if not is_troubled and not self._stopping.is_set() and (outcomes or not self._done[channel]):
                shares = self._shares(channel, anyhow=bool(outcomes))  # the hands of what is not written are not free
            if not outcomes and not shares:
                if self._stopping.is_set() and not self._hands[channel] and not self._done[channel]:
                    return
                await self._until_news(channel)
                is_troubled = False
                continue
            if outcomes:
                self._done[channel] = []
            for account_id, share in shares.items():
                self._accounts[account_id].left -= share
                self._accounts[account_id].asked_for += share
            try:
                waits, parcels = await self._in(channel, self._take_up, channel, shares, outcomes)
                is_troubled = False
            except Error as trouble:
                log.warning("database_trouble", trouble=type(trouble).__name__)
                self._done[channel] = outcomes + self._done[channel]  # known, and not written yet
                waits, parcels, is_troubled = {}, [], True
            self._done_since[channel] = time.monotonic()  # what came in meanwhile waits for what goes out now
            self._note(channel, shares, waits, parcels, is_sure=not is_troubled)
            self._carry_all(parcels)
            if is_troubled:
                if self._stopping.is_set():
                    give_up_at = min(give_up_at, time.monotonic() + INSISTS_FOR)
                if time.monotonic() >= give_up_at:
                    log.error("outcomes_not_written", messages=[parcel.id for parcel, _ in self._done[channel]])
                    return
                await asyncio.sleep(1.0)
            elif channel is not Channel.BUYER_EMAIL:
                await asyncio.sleep(AT_AMAZONS_PACE)

    def _to_write(self, channel: Channel) -> list[Outcome]:
        """What has come in, once it is worth a transaction: most of what is out has come back, or it waits for long."""
        done = self._done[channel]
        is_most = len(done) >= 4 * len(self._hands[channel])
        return done if is_most or time.monotonic() >= self._done_since[channel] + self._gathers(channel) else []

    def _gathers(self, channel: Channel) -> float:
        """How long outcomes are gathered. From a relay far away each free hand is time lost."""
        return GATHERED_FOR if self._takes[channel] < NEARBY else 0.0

    def _shares(self, channel: Channel, *, anyhow: bool = False) -> dict[int, int]:
        """How many messages of which account may be taken up now: equal parts of what there are hands for.

        `anyhow`: there is a transaction in any case.
        """
        now = time.monotonic()
        hands = self._hands[channel]
        room = self._most[channel] - sum(1 for since in hands.values() if now - since < SLOW)
        if room < (self._worth_while(channel) if hands and not anyhow else 1) or now < self._paused_until[channel]:
            return {}
        room_of = {}
        for account_id, account in self._accounts.items():
            lane = account.lanes[channel]
            rest = min(lane.width - lane.in_hand, account.left)
            if lane.is_due and rest > 0 and lane.not_before <= now and not account.is_leaving:
                room_of[account_id] = rest if channel is Channel.BUYER_EMAIL else 1
        if not room_of:
            return {}
        part = max(1, room // len(room_of))
        shares = {account_id: min(part, rest) for account_id, rest in list(room_of.items())[:room]}
        for account_id in shares:  # those who had their turn go to the end of the line
            self._accounts[account_id] = self._accounts.pop(account_id)
        return shares

    def _take_up(
        self, channel: Channel, shares: Mapping[int, int], outcomes: Sequence[Outcome] = ()
    ) -> tuple[Mapping[int, timedelta], list[Parcel]]:
        """Write these outcomes and take others up, both or neither: so never more are in `sending` than in hand."""
        waits = self._doors.leave(shares, channel) if shares else {}
        granted = {account_id: share for account_id, share in shares.items() if not waits.get(account_id)}
        if not outcomes:
            return waits, dispatch.take_up(granted, channel, now=self._clock()) if granted else []
        if not granted:
            dispatch.settle(outcomes, now=self._clock())
            return waits, []
        with across_sellers("outcomes are written down, and others sent"), transaction.atomic():
            dispatch.settle(outcomes, now=self._clock())
            return waits, dispatch.take_up(granted, channel, now=self._clock())

    def _note(
        self,
        channel: Channel,
        shares: Mapping[int, int],
        waits: Mapping[int, timedelta],
        parcels: list[Parcel],
        *,
        is_sure: bool,
    ) -> None:
        """`is_sure`: no more were taken up than these. A commit of which nothing was heard may have been one."""
        got, now = dict.fromkeys(shares, 0), time.monotonic()
        for parcel in parcels:
            got[parcel.account_id] += 1
            self._hands[channel][parcel.id] = now
        for account_id, count in got.items():
            if (account := self._accounts.get(account_id)) is None:
                continue
            lane = account.lanes[channel]
            account.asked_for -= shares[account_id]
            account.left += shares[account_id] - count if is_sure else 0  # it is counted again soon
            account.taken += count
            lane.in_hand += count
            if wait := waits.get(account_id):
                lane.not_before = now + wait.total_seconds()
            else:
                lane.is_due = count > 0  # a batch in which nothing could go says: look again first

    def _worth_while(self, channel: Channel) -> int:
        """How many hands have to be free for another batch: a transaction costs the same for one message as for ten.

        A relay nearby answers at once, so many are free in a moment; at one far away each free hand is time lost.
        """
        if channel is not Channel.BUYER_EMAIL:
            return 1  # as many as Amazon's pace lets go
        return BATCH // 2 if self._takes[channel] < NEARBY else BATCH // 8

    def _carry_all(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            carrying = asyncio.create_task(self._carry(parcel))
            self._carrying.add(carrying)
            carrying.add_done_callback(self._carrying.discard)

    async def _carry(self, parcel: Parcel) -> None:
        began = time.monotonic()
        try:
            outcome = await dispatch.hand_over(parcel, self._doors.gateway(parcel.account_id, parcel.channel))
        except Exception as trouble:  # ours, at an unknown line: nobody can say whether the message was taken
            log.exception("hand_over_failed", message=parcel.id)
            outcome = parcel, Unknown(f"an error of ours in the middle of the hand-over ({type(trouble).__name__})")
        self._takes[parcel.channel] += 0.05 * (time.monotonic() - began - self._takes[parcel.channel])
        self._learn(*outcome)
        done, news = self._done[parcel.channel], self._news[parcel.channel]
        if not done:
            self._done_since[parcel.channel] = time.monotonic()
        done.append(outcome)
        if len(done) == 1 or self._to_write(parcel.channel):
            news.set()

    # --- What came of it ----------------------------------------------------------------------------------------

    def _learn(self, parcel: Parcel, answer: Answer | Unknown) -> None:
        self._hands[parcel.channel].pop(parcel.id, None)
        account = self._accounts.get(parcel.account_id)
        if account is None:
            return
        lane, now = account.lanes[parcel.channel], time.monotonic()
        lane.in_hand -= 1
        match answer:
            case Receipt():
                lane.width, lane.put_off = min(2 * lane.width, BATCH), 0
            case Deferred(_, after, is_general=True):
                lane.width = 1
                lane.not_before = now + (after.total_seconds() if after else AFTER_TROUBLE) * 2**lane.put_off
                lane.put_off = min(lane.put_off + 1, MOST_DOUBLINGS)
                if parcel.channel is Channel.BUYER_EMAIL:  # one relay for all
                    self._paused_until[parcel.channel] = now + AFTER_TROUBLE
            case AccountTrouble():
                lane.width = 1
                if answer.is_revoked:  # kept anew, it is read anew: it may have been connected again meanwhile
                    account.is_leaving = account.is_over = True
            case Unknown():  # one may be chance; a server that breaks off every letter must not have the whole queue
                lane.width = 1
                if lane.not_before <= now:  # else it is of those that were under way when the pause began
                    if lane.put_off:
                        lane.not_before = now + AFTER_TROUBLE * 2 ** (lane.put_off - 1)
                    lane.put_off = min(lane.put_off + 1, MOST_DOUBLINGS)

    async def _until_news(self, channel: Channel) -> None:
        """Wait for an outcome, a look, or the end of somebody's wait."""
        now = time.monotonic()
        waits = [
            lane.not_before - now
            for account in self._accounts.values()
            if (lane := account.lanes[channel]).is_due and lane.not_before > now
        ]
        least = 0.005 if channel is Channel.BUYER_EMAIL else AT_AMAZONS_PACE
        pause = max(least, min([*waits, LOOK_EVERY]))
        if self._done[channel]:
            pause = min(pause, max(0.001, self._done_since[channel] + self._gathers(channel) - now))
        self._news[channel].clear()
        await _wait(self._news[channel], pause)


def _on_a_sound_connection(job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    connection.close_if_unusable_or_obsolete()
    return job(*args, **kwargs)


def _hang_up() -> None:
    connection.close()  # this thread's own: to whom `connection` belongs is found out when it is asked


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
