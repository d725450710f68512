"""The Lua scripts by which callers write: each is one step on Redis' own clock."""

from typing import Final

NOW: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
"""

FIELDS_OF: Final = """
-- What is under the key of a record and is no hash must not end the script: it is no record.
local function fields_of(record, ...)
  local have = redis.pcall('HMGET', record, ...)
  if not have.err then return have end
  return string.find(have.err, 'WRONGTYPE', 1, true) and {} or redis.call('HMGET', record, ...)
end
"""

ENLIST: Final = """
local ranks = {high = 0, normal = 2, low = 4}

-- Of one priority, single runs go before bulks; bulks take turns.
local function rank_of(flow, priority)
  return (ranks[priority] or ranks.normal) + (flow == priority and 0 or 1)
end

local function take_turn(flows, turns, flow, rank)
  redis.call('ZADD', flows, rank * 1e12 + redis.call('INCR', turns), flow)
end

local function enlist(line, flows, areas, turns, area, flow, priority, environment)
  redis.call('RPUSH', line, environment)
  redis.call('SADD', areas, area)
  if not redis.call('ZSCORE', flows, flow) then
    take_turn(flows, turns, flow, rank_of(flow, priority))
  end
end

-- Which run waits, and in whose line: any other entry of a line is none any more.
local function line_mark(run, flow) return run .. ' ' .. flow end
"""

ACCEPT: Final = (
    NOW
    + ENLIST
    + """
local state, run_id, step, expiry_id =
  unpack(redis.call('HMGET', KEYS[1], 'state', 'run_id', 'step', 'expiry_id'))
if run_id == ARGV[10] then return 1 end
if (state or '') ~= ARGV[2] or (run_id or '') ~= ARGV[3] or (step or '') ~= ARGV[11]
    or (expiry_id or '') ~= ARGV[12] then
  return 0
end
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
local area, flow, priority = unpack(ARGV, 14)
if flow ~= '' then
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('HSET', KEYS[1], 'line', line_mark(ARGV[10], flow))
  enlist(KEYS[6], KEYS[7], KEYS[8], KEYS[9], area, flow, priority, ARGV[1])
  redis.call('ZADD', KEYS[10], 'NX', redis.call('ZCARD', KEYS[10]), ARGV[1])
elseif tonumber(ARGV[8]) < 0 then redis.call('ZREM', KEYS[3], ARGV[1])
else redis.call('ZADD', KEYS[3], now + ARGV[8], ARGV[1]) end
if ARGV[13] == 'never' then redis.call('ZREM', KEYS[5], ARGV[1])
elseif ARGV[13] ~= '' then redis.call('ZADD', KEYS[5], ARGV[13], ARGV[1]) end
redis.call('ZADD', KEYS[4], 'NX', now, ARGV[1])
return 1
"""
)

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

TAKE_EXPIRING: Final = (
    NOW
    + """
local expiries = KEYS[1]
local limit, again, prefix = unpack(ARGV)
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
)

COUNT_MEMBERS: Final = (
    FIELDS_OF
    + """
local members, record, first, last = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local states, waiting, changed = {}, 0, 0
for _, environment in ipairs(redis.call('ZRANGE', members, first, last)) do
  local have = fields_of(record .. environment, 'state', 'run_id', 'line', 'updated_at')
  local state, run, line, at = unpack(have)
  if state then
    states[state] = (states[state] or 0) + 1
    local waits = state == 'queued' and line and string.sub(line, 1, #run + 1) == run .. ' '
    if waits then waiting = waiting + 1 end
    changed = math.max(changed, tonumber(at) or 0)
  end
end
local told = {}
for state, count in pairs(states) do
  told[#told + 1] = state
  told[#told + 1] = count
end
return {waiting, string.format('%.3f', changed), told}
"""
)
