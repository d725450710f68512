"""The Lua scripts by which callers write: each is one step on Redis' own clock."""

from typing import Final

ACCEPT: Final = """
local state, run_id, step, expiry_id =
  unpack(redis.call('HMGET', KEYS[1], 'state', 'run_id', 'step', 'expiry_id'))
if run_id == ARGV[10] then return 1 end
if (state or '') ~= ARGV[2] or (run_id or '') ~= ARGV[3] or (step or '') ~= ARGV[11]
    or (expiry_id or '') ~= ARGV[12] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if ARGV[6] == '1' then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, #ARGV[7]) == ARGV[7] then redis.call('HDEL', KEYS[1], field) end
  end
end
for field, value in pairs(cjson.decode(ARGV[4])) do redis.call('HSET', KEYS[1], field, value) end
redis.call('HSET', KEYS[1], 'updated_at', string.format('%.3f', now))
for _, event in ipairs(cjson.decode(ARGV[5])) do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[9], '*', 'event', event)
end
if tonumber(ARGV[8]) < 0 then redis.call('ZREM', KEYS[3], ARGV[1])
else redis.call('ZADD', KEYS[3], now + ARGV[8], ARGV[1]) end
if ARGV[13] == 'never' then redis.call('ZREM', KEYS[5], ARGV[1])
elseif ARGV[13] ~= '' then redis.call('ZADD', KEYS[5], ARGV[13], ARGV[1]) end
redis.call('ZADD', KEYS[4], 'NX', now, ARGV[1])
return 1
"""

MOVE_EXPIRY: Final = """
local record, events, expiries = unpack(KEYS)
local environment, state, run, seen, moved, expiry, look_at, told, kept = unpack(ARGV)
local have = redis.call('HMGET', record, 'state', 'run_id', 'expiry_id')
if have[3] == moved then return 1 end
if have[1] ~= state or have[2] ~= run or (have[3] or '') ~= seen then return 0 end
redis.call('HSET', record, 'expiry_id', moved, 'expiry', expiry)
for _, event in ipairs(cjson.decode(told)) do
  redis.call('XADD', events, 'MAXLEN', '~', kept, '*', 'event', event)
end
if look_at == 'never' then redis.call('ZREM', expiries, environment)
else redis.call('ZADD', expiries, look_at, environment) end
return 1
"""

TAKE_EXPIRING: Final = """
local expiries = KEYS[1]
local limit, again, prefix = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local taken = {}
for _, environment in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now, 'LIMIT', 0, limit))
do
  if redis.call('EXISTS', prefix .. environment) == 0 then
    redis.call('ZREM', expiries, environment)
  else
    redis.call('ZADD', expiries, now + again, environment)
    taken[#taken + 1] = environment
  end
end
return taken
"""
