"""Clients of the product: they book, look, change and cancel at a steady rate, whatever happens."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from ops.faults.journal import Journal

GIVE_UP_SECONDS = 45.0
_AGAIN_SECONDS = 0.25
_PATIENCE = aiohttp.ClientTimeout(total=12, sock_connect=3)
_HOT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """A slot as the API shows it."""

    id: str
    resource_id: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that asks for a booking: when it began, how long it took, what came of it."""

    at: float
    seconds: float
    outcome: str

    @property
    def is_good(self) -> bool:
        """Tell whether the booking was accepted."""
        return self.outcome == "accepted"


@dataclass(slots=True)
class Load:
    """A crowd with a rate of its own; what it was told goes into the journal.

    Only where it `is_patient` does it wait as long as a busy server says: otherwise it knocks four
    times a second, so that nobody can be away without being seen.
    """

    address: str
    journal: Journal
    hot: list[Place]
    others: list[Place]
    chance: random.Random
    name: str
    rate: float
    is_patient: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    count: int = 0
    _web: aiohttp.ClientSession = field(init=False)
    _going: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def is_idle(self) -> bool:
        """Tell whether no client is on his way."""
        return not self._going

    async def run(self, stopped: asyncio.Event) -> None:
        """Send clients until told to stop, then wait until each has come to an end."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            self.address, connector=connector, timeout=_PATIENCE
        ) as self._web:
            due = time.monotonic()
            while not stopped.is_set():
                due += self.chance.expovariate(self.rate)
                await _until(due, stopped)
                self.send(self._life())
            if self._going:
                await asyncio.wait(self._going, timeout=GIVE_UP_SECONDS + 15)
            for task in self._going:
                task.cancel()

    def send(self, client: Coroutine[Any, Any, None]) -> None:
        """Let a client go his way."""
        task = asyncio.create_task(client)
        self._going.add(task)
        task.add_done_callback(self._ended)

    async def book(self, place: Place, *, times: int = 1, **given: Any) -> dict[str, Any] | None:
        """Ask for a booking until it is accepted, `times` at once under one key."""
        self.count += 1
        key = f"{self.name}-{self.count}"
        self.journal.note(kind="asked", key=key)
        body = {
            "slot_ids": [place.id],
            "quantity": 1,
            "customer": {"email": f"{key}@example.com", "full_name": f"Client {self.count}"},
        } | given
        answers = await asyncio.gather(*(self._ask(key, body) for _ in range(times)))
        return next((answer for answer in answers if answer), None)

    async def look(self, booking: dict[str, Any], wait: int) -> str | None:
        """Ask what became of a booking; write down what was told."""
        answer = await self._call("GET", booking, f"?wait={wait}")
        return self._told(booking, answer)

    async def act(
        self, booking: dict[str, Any], verb: str, may_be: str, **body: Any
    ) -> dict[str, Any] | None:
        """Cancel, confirm or change a booking; what nobody knows is written down as such."""
        method, path = ("PATCH", "") if verb == "change" else ("POST", f"/{verb}")
        self.journal.note(kind="may be", reference=booking["reference"], status=may_be)
        answer = await self._call(method, booking, path, **body)
        self._told(booking, answer)
        return answer

    async def _life(self) -> None:
        """Live one client's life, drawn from the seed before anything is awaited."""
        chance = self.chance
        is_hot = chance.random() < _HOT_SHARE
        place = chance.choice(self.hot if is_hot else self.others)
        times = 2 if chance.random() < 0.12 else 1
        fate, quantity = chance.random(), chance.choice([1, 1, 1, 2, 2, 3])
        more: dict[str, Any] = {"hold_minutes": 5} if fate < 0.1 else {}
        booking = await self.book(place, times=times, quantity=quantity, **more)
        if booking is None:
            return
        status = await self.look(booking, 8) if fate < 0.6 else None
        if status == "held":
            await self.act(booking, "confirm", "confirmed")
        elif status == "confirmed" and fate < 0.3:
            await self.act(booking, "cancel", "cancelled")
        elif status == "confirmed" and fate < 0.4:
            await self.act(booking, "change", "confirmed", quantity=1 + quantity % 3)

    async def _ask(self, key: str, body: dict[str, Any]) -> dict[str, Any] | None:
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up:
            at, began = time.time(), time.monotonic()
            outcome, answer, pause = await self._post(key, body)
            self.attempts.append(Attempt(at, time.monotonic() - began, outcome))
            if answer is not None:
                await self.journal.keep(
                    kind="accepted", key=key, reference=answer["reference"], at=time.time()
                )
                return answer
            if outcome == "refused":
                return None
            await asyncio.sleep(pause)
        return None

    async def _post(
        self, key: str, body: dict[str, Any]
    ) -> tuple[str, dict[str, Any] | None, float]:
        """Return what came of one request, the booking if there is one, and when to come again."""
        try:
            async with self._web.post(
                "/api/v1/bookings", json=body, headers={"Idempotency-Key": key}
            ) as answer:
                told = await answer.text()
        except (aiohttp.ClientError, OSError) as error:
            return _kind(error), None, _AGAIN_SECONDS
        if answer.status in (200, 202):
            return "accepted", json.loads(told), 0
        if answer.status == 503 and "Retry-After" in answer.headers:
            told_to_wait = float(answer.headers["Retry-After"])
            return "503", None, told_to_wait if self.is_patient else _AGAIN_SECONDS
        self.wrong[f"a booking was answered with {answer.status}"] += 1
        if answer.status < 500:
            return "refused", None, 0
        return str(answer.status), None, _AGAIN_SECONDS

    async def _call(
        self, method: str, booking: dict[str, Any], path: str, **body: Any
    ) -> dict[str, Any] | None:
        """Call on a booking with its own token; None when there was no proper answer."""
        headers = {"Authorization": f"Bearer {booking['access_token']}"}
        url = f"/api/v1/bookings/{booking['reference']}{path}"
        try:
            async with self._web.request(method, url, headers=headers, json=body or None) as answer:
                told = await answer.text()
        except (aiohttp.ClientError, OSError):
            return None
        if answer.status == 200:
            return dict(json.loads(told))
        if answer.status >= 500 and answer.status != 503:
            self.wrong[f"{method} was answered with {answer.status}"] += 1
        return None

    def _told(self, booking: dict[str, Any], answer: dict[str, Any] | None) -> str | None:
        if answer is None:
            return None
        self.journal.note(kind="told", reference=booking["reference"], status=answer["status"])
        return str(answer["status"])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._going.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.wrong[f"a client failed: {task.exception()!r}"] += 1


async def _until(due: float, stopped: asyncio.Event) -> None:
    pause = due - time.monotonic()
    if pause > 0:
        try:
            await asyncio.wait_for(stopped.wait(), pause)
        except TimeoutError:
            return


def _kind(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError) else "reset"
