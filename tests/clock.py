"""A jump of Redis' clock, without touching a clock: all that Redis holds jumps the other way."""

from typing import Final

from redis import Redis

from envwright.names import Keys
from envwright.record import RESOURCE_FIELD

_JUMP: Final = """
local prefix, due, swept, environments, expiries, resource, by = unpack(ARGV)

local function later(key, field)
  local time = tonumber(redis.call('HGET', key, field) or '0')
  -- A lease that was given back has no time.
  if time > 0 then redis.call('HSET', key, field, time - by) end
end

local function later_inside(key, field, names)
  local text = redis.call('HGET', key, field) or ''
  if text == '' then return end
  local value = cjson.decode(text)
  for _, name in ipairs(names) do
    if type(value[name]) == 'number' then value[name] = value[name] - by end
  end
  -- An empty list must not become an empty object.
  if value.ids and #value.ids == 0 then value.ids = nil end
  redis.call('HSET', key, field, cjson.encode(value))
end

for _, set in ipairs({due, environments, expiries}) do
  local all = redis.call('ZRANGE', set, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do redis.call('ZADD', set, all[i + 1] - by, all[i]) end
end
local last = redis.call('GET', swept)
if last then redis.call('SET', swept, last - by) end
for _, environment in ipairs(redis.call('ZRANGE', environments, 0, -1)) do
  local record = prefix .. environment
  later(record, 'lease_until')
  later(record, 'created_at')
  later(record, 'updated_at')
  later_inside(record, 'run', {'accepted_at', 'admitted_at', 'deadline_at'})
  later_inside(record, 'expiry', {'at', 'warn_at', 'counted_from'})
  for _, field in ipairs(redis.call('HKEYS', record)) do
    if string.sub(field, 1, #resource) == resource then later_inside(record, field, {'at'}) end
  end
end
"""


def jump(redis: Redis, keys: Keys, seconds: float) -> None:
    """Let Redis' clock jump ahead by so many seconds, or back when they are fewer than none.

    In one step for everybody who uses this Redis. Only the times in events stay.
    """
    redis.eval(
        _JUMP,
        0,
        keys.record(""),
        keys.due,
        keys.swept,
        keys.environments,
        keys.expiries,
        RESOURCE_FIELD,
        seconds,
    )
