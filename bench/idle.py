"""What ten thousand environments cost that are ready, and of which nobody wants anything.

A worker builds one, and what it left of it in Redis is copied under other names. The same worker
is watched with that one alone, and with all of them.
"""

import time
from typing import Final

from redis import Redis

from bench.aws_like import UNLIMITED
from bench.bulk import small
from bench.figures import Figure, Result
from bench.growth import SETTINGS
from bench.jobs import Jobs
from bench.meter import Meter
from bench.options import Options
from bench.shapes import SMALL, NotBuilt
from bench.stack import Stack
from envwright.client import Client
from envwright.states import State
from worker.stack import LocalWorker

_COUNT: Final = 10_000
_SECONDS: Final = 60.0
_SETTLE: Final = 5.0
"""Seconds until a worker does no more than what it does all the time."""
_SAME: Final = 1.1
_NOTHING: Final = 0.1
"""Per cent of a core."""
_AT_ONCE: Final = 500

CPU: Final = "CPU of the worker, % of a core"
COMMANDS: Final = "commands to Redis a second"
MEMORY: Final = "peak MiB of the worker"


def measure(options: Options) -> Result:
    count = options.count or _COUNT
    with Stack(UNLIMITED) as stack, stack.redis.client() as redis:
        worker = stack.worker(SETTINGS)
        client = stack.client()
        jobs = Jobs(stack, client, client.now() + _SECONDS)
        jobs.add([client.enqueue(small(_name(0)))])
        jobs.wait_for(1)
        one = _watch(stack, worker, redis)
        _copy(redis, client, jobs.ids[0], count)
        _must_be_there(client, count)
        many = _watch(stack, worker, redis)
    return Result(
        part="idle",
        settings={"environments": count, "seconds": _SECONDS, "shape": SMALL.name} | SETTINGS,
        figures=[
            Figure(
                "more CPU of the worker", max(0.0, many[CPU] - one[CPU]), _NOTHING, "% of a core"
            ),
            Figure("commands to Redis / with one alone", many[COMMANDS] / one[COMMANDS], _SAME),
            Figure("memory of the worker / with one alone", many[MEMORY] / one[MEMORY], _SAME),
        ],
        tables={"idle": [{"environments": 1} | one, {"environments": count} | many]},
    )


def _watch(stack: Stack, worker: LocalWorker, redis: Redis) -> dict[str, float]:
    """What the worker does in a while."""
    time.sleep(_SETTLE)
    before = _commands(redis)
    with Meter(worker=worker.child.pid, redis=stack.redis.child.pid) as meter:
        time.sleep(_SECONDS)
    # The second of the two that ask for the number is in it.
    commands = _commands(redis) - before - 1
    return {
        CPU: 100 * meter.busy("worker"),
        COMMANDS: commands / meter.seconds,
        MEMORY: meter["worker"].peak_mib,
    }


def _commands(redis: Redis) -> int:
    return int(redis.info("stats")["total_commands_processed"])


def _copy(redis: Redis, client: Client, first: str, count: int) -> None:
    """Have as many of them as of the first, and of each what a worker would have left."""
    keys = client.settings.keys
    record, created = redis.hgetall(keys.record(first)), redis.zscore(keys.environments, first)
    _nothing_else_names(redis, first, {keys.record(first), keys.events(first)})
    for start in range(1, count, _AT_ONCE):
        with redis.pipeline(transaction=False) as pipe:
            for nth in range(start, min(count, start + _AT_ONCE)):
                name = _name(nth)
                one = first.replace(_name(0), name)
                fields = {key: value.replace(_name(0), name) for key, value in record.items()}
                pipe.hset(keys.record(one), mapping=fields)
                pipe.copy(keys.events(first), keys.events(one))
                pipe.zadd(keys.environments, {one: created})
            pipe.execute()


def _nothing_else_names(redis: Redis, environment_id: str, known: set[str]) -> None:
    """Raise where a worker leaves more of an environment than is copied here."""
    found = set(redis.scan_iter(match=f"*{environment_id}*", count=1000))
    if found != known:
        raise NotBuilt(f"Of {environment_id} there are other keys than those copied: {found}")


def _must_be_there(client: Client, count: int) -> None:
    ready = [one for one in client.environments() if one.state is State.READY]
    if len(ready) != count or len({one.identity.name for one in ready}) != count:
        raise NotBuilt(f"{len(ready)} environments are ready, and {count} should be.")


def _name(nth: int) -> str:
    return f"idle-{nth:05}"
