"""The Lua scripts by which a worker writes records: each is one step on Redis' own clock.

`due` (environment → Unix time at which it must be looked at again) is outbox, end of lease and
timer of retries in one, and only these scripts and the client's `ACCEPT` move anything in it.
"""

from typing import Final

from envwright.scripts import FIELDS_OF, NOW
from envwright.store import EVENTS_KEPT
from tasks.line_scripts import LET_IN

CLOCK_STEP_FORGIVEN: Final = 1.0
"""Seconds by which Redis' clock may go back at once and nothing is moved along."""

_WRITE: Final = """
local function write(record, events, fields, told)
  for field, value in pairs(cjson.decode(fields)) do redis.call('HSET', record, field, value) end
  redis.call('HSET', record, 'updated_at', string.format('%.3f', now))
  for _, event in ipairs(cjson.decode(told)) do
    redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', event)
  end
end
""".replace("{kept}", str(EVENTS_KEPT))

_TAKE_BACK: Final = """
local function take_back_death(record, worker, heartbeats)
  -- Who has a heartbeat again was out of reach, or suspended: the end of its lease was no death.
  local dead = redis.call('HGET', record, 'death_owner') or ''
  if dead == '' then return end
  if dead == worker or redis.call('EXISTS', heartbeats .. dead) == 1 then
    redis.call('HINCRBY', record, 'deaths', -1)
    redis.call('HDEL', record, 'death_owner')
  end
end
"""

_DEATHS: Final = """
local function deaths_of(record, events, worker, heartbeats, run, step, given_up)
  local have = redis.call('HMGET', record, 'lease_owner', 'deaths', 'lease_run')
  local owner = have[1] or ''
  -- A lease of a run that was replaced says nothing of this one; version 0.1.0 named none.
  local is_of_another = have[3] and have[3] ~= run
  if owner == '' or owner == worker or is_of_another
      or redis.call('EXISTS', heartbeats .. owner) == 1 then
    return tonumber(have[2] or '0')
  end
  local deaths = redis.call('HINCRBY', record, 'deaths', 1)
  redis.call('HSET', record, 'lease_owner', '', 'death_owner', owner)
  redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', cjson.encode(
    {type = 'step', run = run, step = step, state = 'interrupted', message =
    string.format('Its worker died (%d of %d times in this step).', deaths, given_up)}))
  return deaths
end
""".replace("{kept}", str(EVENTS_KEPT))

CLAIM: Final = (
    NOW
    + LET_IN
    + _TAKE_BACK
    + _DEATHS
    + """
local record, due, events, suspect, under_way, flows, areas, turns, expiries = unpack(KEYS)
local environment, run, step, worker, lease, format, at_rest, told = unpack(ARGV)
local heartbeats, given_up, pause, area, limit, lines, bulks, claim = unpack(ARGV, 9)
given_up, limit = tonumber(given_up), tonumber(limit)
local have = redis.call('HMGET', record, 'format', 'run_id', 'state', 'step', 'lease_until', 'run',
  'line', 'claim', 'epoch', 'lease_owner')

local function wait_in_line(flow, priority, why)
  redis.call('HDEL', under_way, environment)
  redis.call('ZREM', due, environment)
  if have[7] == line_mark(run, flow) then return end
  redis.call('HSET', record, 'line', line_mark(run, flow))
  if end_to_come(record) then redis.call('ZREM', expiries, environment) end
  enlist(lines .. flow, flows, areas, turns, area, flow, priority, environment)
  redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', cjson.encode(
    {type = 'line', run = run, message = why .. ': it waits in line.'}))
end

if not have[1] then redis.call('ZREM', due, environment) return {'missing'} end
if have[1] ~= format then return {'foreign'} end
if have[2] ~= run then return {'stale'} end
if string.find(at_rest, ' ' .. have[3] .. ' ', 1, true) then return {'done'} end
if have[4] ~= step then return {'elsewhere'} end
if tonumber(have[5] or '0') > now then
  -- Version 0.1.0 notes no claim: what stands beside its lease is that of the one before.
  if have[8] ~= claim or have[10] ~= worker then return {'busy'} end
  -- It was granted, and is sent again by redis-py since the answer was lost with its connection.
  return {'claimed', have[9], string.format('%.3f', now), redis.call('HGETALL', record)}
end
if have[3] == 'queued' then
  local wanted, flow, priority = run_in(have[6])
  local is_in = redis.call('HGET', under_way, environment) == line_mark(run, flow)
  local count = redis.call('HLEN', under_way)
  -- Who comes does not take the place that was freed for those of its flow who wait already.
  local is_behind = redis.call('EXISTS', lines .. flow) == 1
  if is_paused(bulks .. flow) then
    wait_in_line(flow, priority, 'Its bulk is paused')
    return {'in_line'}
  elseif not is_in and (is_behind or count >= room_for(limit, rank_of(flow, priority))) then
    wait_in_line(flow, priority, string.format('%d runs are under way in %s', count, area))
    return {'in_line'}
  elseif not is_in then
    let_in(record, under_way, areas, expiries, area, bulks .. flow, environment, run, wanted, flow)
  end
end
-- What a worker has begun costs money, also where the first one knew of no ends.
begin_life(record, expiries, environment)
local expiry = end_to_come(record)
if expiry then
  expiry.counted_from = nil
  redis.call('HSET', record, 'expiry', cjson.encode(expiry))
end
take_back_death(record, worker, heartbeats)
local deaths = deaths_of(record, events, worker, heartbeats, run, step, given_up)
if deaths == given_up - 1 then
  local other = redis.call('GET', suspect)
  if other and other ~= environment then
    redis.call('ZADD', due, now + pause, environment)
    return {'waiting'}
  end
  redis.call('SET', suspect, environment, 'PX', math.floor(lease * 1000))
end
-- Never one that was drawn on a Redis whose last writes a failover has lost: hence from the time.
local epoch = math.max(tonumber(redis.call('HGET', record, 'epoch') or '0') + 1,
  time[1] * 1000000 + time[2])
redis.call('HINCRBY', record, 'attempt', 1)
redis.call('HSET', record, 'epoch', epoch, 'lease_owner', worker, 'lease_run', run,
  'lease_until', now + lease, 'claim', claim, 'wakeups', 0)
redis.call('ZADD', due, now + lease, environment)
if have[3] == 'queued' then
  redis.call('HSET', record, 'state', 'provisioning')
  redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', cjson.encode(
    {type = 'state', run = run, state = 'provisioning'}))
end
if deaths < given_up then
  redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', told)
end
return {'claimed', epoch, string.format('%.3f', now), redis.call('HGETALL', record)}
""".replace("{kept}", str(EVENTS_KEPT))
)

NOTE: Final = (
    NOW
    + _WRITE
    + """
local record, events = unpack(KEYS)
local epoch, run, fields, told = unpack(ARGV)
local have = redis.call('HMGET', record, 'epoch', 'run_id', 'lease_owner')
-- A step may have given its lease back while a note of its trouble was on its way.
if have[1] ~= epoch or have[3] == '' then return 'lost' end
write(record, events, fields, told)
if have[2] ~= run then return 'replaced' end
return 'written'
"""
)

_TAKE_DOWN_AFTER_ALL: Final = """
-- A failover has lost the claim under which a worker began this, and so it was ended in line.
local function take_down_after_all(record, due, events, environment)
  local have = redis.call('HMGET', record, 'run', 'run_id')
  local is_read, run = pcall(cjson.decode, have[1] or '')
  if not is_read or type(run) ~= 'table' or run.kind ~= 'cleanup' then return end
  run.deadline_at = now + (tonumber(run.deadline_at) or 0) - (tonumber(run.accepted_at) or 0)
  redis.call('HSET', record, 'state', 'cleaning', 'run', cjson.encode(run),
    'updated_at', string.format('%.3f', now))
  redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', cjson.encode({type = 'state',
    run = have[2], state = 'cleaning', message = 'A worker had begun it: Redis has lost that.'}))
  redis.call('ZADD', due, now, environment)
end
""".replace("{kept}", str(EVENTS_KEPT))

ADVANCE: Final = (
    NOW
    + _WRITE
    + _TAKE_DOWN_AFTER_ALL
    + """
local record, due, events, suspect, queue = unpack(KEYS)
local environment, epoch, run, fields, told, delay, ended, message = unpack(ARGV)
local have = redis.call('HMGET', record, 'epoch', 'run_id', 'state', 'lease_until')
if have[1] ~= epoch then
  if tonumber(epoch) > (tonumber(have[1]) or 0) and have[3]
      and string.find(ended, ' ' .. have[3] .. ' ', 1, true) then
    take_down_after_all(record, due, events, environment)
  end
  return 'lost'
end
redis.call('HSET', record, 'lease_until', 0, 'lease_owner', '')
if redis.call('GET', suspect) == environment then redis.call('DEL', suspect) end
if have[2] ~= run then
  -- Nobody has begun the successor: what trouble there was is that of this one.
  redis.call('HSET', record, 'trouble', '')
  redis.call('ZADD', due, now, environment)
  return 'replaced'
end
-- It was written, and is sent again by redis-py since the answer was lost with its connection.
if have[4] == '0' then return 'written' end
write(record, events, fields, told)
if tonumber(delay) < 0 then redis.call('ZREM', due, environment)
else redis.call('ZADD', due, now + delay, environment) end
if queue then redis.call('LPUSH', queue, message) end
return 'written'
"""
)

RENEW: Final = (
    NOW
    + _TAKE_BACK
    + """
local due, suspect = unpack(KEYS)
local lease, worker, heartbeats = unpack(ARGV)
local alone = redis.call('GET', suspect)
local answers = {}
for i = 3, #KEYS do
  local environment, epoch, run = unpack(ARGV, 3 * i - 5, 3 * i - 3)
  local have = redis.call('HMGET', KEYS[i], 'epoch', 'run_id', 'lease_owner')
  -- A step may have given its lease back while this renewal was on its way.
  if have[1] ~= epoch or have[3] ~= worker then answers[#answers + 1] = 'lost'
  else
    redis.call('HSET', KEYS[i], 'lease_until', now + lease)
    redis.call('ZADD', due, now + lease, environment)
    take_back_death(KEYS[i], worker, heartbeats)
    if environment == alone then redis.call('PEXPIRE', suspect, math.floor(lease * 1000)) end
    answers[#answers + 1] = have[2] == run and 'renewed' or 'replaced'
  end
end
return answers
"""
)

_FOLLOW_CLOCK: Final = """
-- A clock that was set back would leave all that waits, and all leases, ahead by as much.
local function follow_clock(due, swept, prefix)
  local back = tonumber(redis.call('GET', swept) or '0') - now
  redis.call('SET', swept, now)
  if back < {forgiven} then return 0 end
  local waiting = redis.call('ZRANGE', due, 0, -1, 'WITHSCORES')
  for i = 1, #waiting, 2 do
    redis.call('ZADD', due, waiting[i + 1] - back, waiting[i])
    local record = prefix .. waiting[i]
    local lease = tonumber(fields_of(record, 'lease_until')[1] or '0')
    if lease > 0 then redis.call('HSET', record, 'lease_until', lease - back) end
  end
  return back
end
""".replace("{forgiven}", str(CLOCK_STEP_FORGIVEN))

TAKE_DUE: Final = (
    NOW
    + FIELDS_OF
    + _FOLLOW_CLOCK
    + """
local due, swept = unpack(KEYS)
local prefix, limit, grace, at_rest, format, events = unpack(ARGV)
local back = follow_clock(due, swept, prefix)
local waiting = 0
for i = 3, #KEYS do waiting = waiting + redis.call('LLEN', KEYS[i]) end
local taken = {}
for _, environment in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, limit)) do
  local record = prefix .. environment
  local have = fields_of(record, 'state', 'lease_until', 'run_id', 'step', 'run', 'format')
  local resting = have[1] and string.find(at_rest, ' ' .. have[1] .. ' ', 1, true)
  -- A record of another format has its place in the set of that format.
  if not have[1] or resting or have[6] ~= format then redis.call('ZREM', due, environment)
  elseif tonumber(have[2] or '0') > now then redis.call('ZADD', due, have[2], environment)
  else
    local wakeups = redis.call('HINCRBY', record, 'wakeups', 1)
    local delay = grace
    if waiting > 0 then delay = grace * 2 ^ math.min(wakeups, 6) end
    redis.call('ZADD', due, now + delay, environment)
    if have[1] == 'cleanup_failed' then
      redis.call('HSET', record, 'state', 'cleaning', 'updated_at', string.format('%.3f', now))
      redis.call('XADD', events .. environment, 'MAXLEN', '~', '{kept}', '*', 'event', cjson.encode(
        {type = 'state', run = have[3], state = 'cleaning', message = 'It is tried again.'}))
    end
    taken[#taken + 1] = {environment, have[3], have[4], have[5], have[1]}
  end
end
return {string.format('%.3f', back), taken}
""".replace("{kept}", str(EVENTS_KEPT))
)
