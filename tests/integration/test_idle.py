"""What a worker does for environments at rest: nothing, however many there are."""

from typing import Final

import redis.asyncio

from envwright.states import State
from tasks.expiry import carry_out_ends
from tests.desk import Desk
from worker.servers import LocalRedis

MANY: Final = 200
AT_ONCE: Final = 100


async def commands_of_a_sweep(desk: Desk) -> dict[str, int]:
    """What Redis does in one round of the sweeper, by command; in its scripts, too."""
    desk.redis.config_resetstat()
    assert await desk.line.admit(lambda _: AT_ONCE, 10.0) == []
    assert await desk.worker.take_due(AT_ONCE, 10.0) == []
    assert carry_out_ends(desk.store, AT_ONCE) == 0
    told = desk.redis.info("commandstats")
    return {command: of_it["calls"] for command, of_it in told.items()}


async def test_environments_at_rest_cost_no_command(own_redis: LocalRedis) -> None:
    """Ready ones that end one day: no sweep looks at any of them."""
    async with redis.asyncio.Redis.from_url(own_redis.url, decode_responses=True) as worker:
        desk = Desk(own_redis.url, "idle", worker)
        await commands_of_a_sweep(desk)  # connects, and loads the scripts
        before = await commands_of_a_sweep(desk)

        for number in range(MANY):
            run = desk.accept(f"web-{number}", ttl=3600 * 24)
            hold = await desk.claim(run, f"web-{number}")
            await desk.worker.advance(hold, {"state": State.READY}, [], None)
        await commands_of_a_sweep(desk)  # in which the line sees who has ended
        after = await commands_of_a_sweep(desk)
        ends = desk.redis.zcard(desk.keys.expiries)
        desk.close()

    assert ends == MANY
    assert after == before
