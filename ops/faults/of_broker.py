"""Rows R: Redis is killed, emptied, frozen, filled; its messages are doubled and dropped."""

import asyncio
from itertools import count

from ops.faults.acts import in_the_middle, ring_too_often
from ops.faults.figures import Goals, percentile
from ops.faults.processes import WORKERS
from ops.faults.rows import row
from ops.faults.run import Run

ALL_ACCEPTED = Goals(accepted=1.0)
HEARD_SECONDS = 5.0


@row("R1", "Redis is killed, and back after 0, 10 and 40 s", ALL_ACCEPTED)
async def kill_redis(run: Run) -> None:
    """The sweeper decides meanwhile; soon after the return the workers hear again."""
    away = iter([0, 10, 40])
    async for _ in run.moments(3):
        async with run.fault("kill"):
            run.stack.kill("valkey")
            await asyncio.sleep(next(away))
            await asyncio.to_thread(run.stack.start_valkey)
        await hear_again(run)


async def hear_again(run: Run) -> None:
    """Wait until a worker decides, and note how long after the last fault that was."""
    back = run.faults[-1].over_at
    heard = await run.until(
        lambda: run.decided_by_worker_since(back), seconds=60, what="the workers hear again"
    )
    run.must("workers heard again after", heard - back, HEARD_SECONDS)


@row("R2", "Redis is emptied again and again", ALL_ACCEPTED)
async def empty_redis(run: Run) -> None:
    """Bells, tasks and whatever else is in it are gone."""
    async for _ in run.moments(1):
        with run.stack.broker() as broker:
            for _ in range(run.some(60, 12)):
                await run.at_once("flush", broker.flushall)
                await asyncio.sleep(run.chance.uniform(0.05, 0.35))


@row("R3", "Redis is frozen, then unreachable without a word", ALL_ACCEPTED)
async def freeze_redis(run: Run) -> None:
    """Nobody refuses a connection, and nobody answers."""
    async for number in run.moments(2):
        calm = [each.seconds for each in run.load.attempts]
        before = len(run.load.attempts)
        async with run.fault("freeze"):
            if number == 1:
                run.stack.freeze("valkey")
            else:
                run.stack.redis_proxy.hold_back()
            await run.last(10)
            run.stack.thaw()
        felt = [each.seconds for each in run.load.attempts[before:]]
        slower = (percentile(felt, 0.99) or 0.0) - (percentile(calm, 0.99) or 0.0)
        run.must("slower to accept by", max(0.0, slower), 0.3)
        await hear_again(run)


@row("R4", "Redis has no memory left", ALL_ACCEPTED)
async def fill_redis(run: Run) -> None:
    """It refuses every write, as it must with noeviction."""
    async for _ in run.moments(2):
        with run.stack.broker() as broker:
            async with run.fault("full"):
                broker.config_set("maxmemory", 1)
                await run.last(8)
                broker.config_set("maxmemory", 0)


@row("R5", "each message comes several times, out of order", ALL_ACCEPTED)
async def double_messages(run: Run) -> None:
    """What comes twice, late or for nothing finds nothing to do."""
    async for _ in run.moments(1):
        async with run.fault("doubled"):
            sent = await ring_too_often(run, 10)
        run.notes.append(f"{sent} messages besides")


@row("R6", "every third message is lost", ALL_ACCEPTED)
async def drop_messages(run: Run) -> None:
    """It goes to a queue that nobody listens to."""
    dropped = count()
    numbers = count(1)

    def rewrite(words: bytes) -> bytes:
        for push in PUSHES:
            if push in words and next(numbers) % 3 == 0:
                next(dropped)
                return words.replace(push, push.replace(b"decide", b"nobody"))
        return words

    async for _ in run.moments(1):
        async with run.fault("dropped"):
            run.stack.redis_proxy.rewrite = rewrite
            await run.last(10)
            run.stack.redis_proxy.pass_unchanged()
    run.notes.append(f"{next(dropped)} messages lost")


PUSHES = tuple(b"$5\r\n%s\r\n$6\r\ndecide\r\n" % verb for verb in (b"LPUSH", b"RPUSH"))


@row("TRAP", "the broker is restarted while tasks are not yet acknowledged", ALL_ACCEPTED)
async def restart_with_tasks(run: Run) -> None:
    """Celery 5.7 would end the worker; ours connects again, and is the same process."""
    async for _ in run.moments(2):
        main = run.stack.family.main("decide")
        async with in_the_middle(run) as (_, holding):
            async with run.fault("restart"):
                run.stack.kill("valkey")
                await asyncio.to_thread(run.stack.start_valkey)
                # The task is to end on the connection that is gone, after there is another.
                await run.until(_workers_listen, run, seconds=30, what="the workers listen")
            holding.rollback()
        await hear_again(run)
        if not main.is_running():
            run.extra.append("the worker ended when the broker was restarted")


def _workers_listen(run: Run) -> bool:
    with run.stack.broker() as broker:
        listening = [each for each in broker.client_list() if each["cmd"] == "brpop"]
    return len(listening) >= len(WORKERS)
