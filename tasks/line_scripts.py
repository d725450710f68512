"""The Lua scripts by which runs are let in from the line.

A run is in `due` or in a line, and one script moves it from the one to the other: so it is lost as
little as what is in `due`. An entry of a line is only a hint. Whether the run still waits in that
line stands in its record: one that was cancelled, say, leaves its entry behind.
"""

from typing import Final

from envwright.scripts import ENLIST, FIELDS_OF, NOW

LET_IN: Final = (
    ENLIST
    + """
local function object_in(text)
  local is_read, object = pcall(cjson.decode, text or '')
  return is_read and type(object) == 'table' and object
end

-- What cannot be read is let in as if it were any run: its step says what is wrong.
local function run_in(text)
  local run = object_in(text) or {}
  local function said(name) return type(run[name]) == 'string' and run[name] end
  local priority = said('priority') or 'normal'
  return run, said('bulk') or priority, priority
end

-- A tenth of the places is kept from each lower priority, so that a higher one finds room at once.
local function room_for(limit, rank)
  return limit - math.floor(limit * math.floor(rank / 2) / 10)
end

local function is_paused(bulk)
  local have = redis.call('HMGET', bulk, 'paused_at', 'max_failures', 'failures')
  if have[1] or not have[2] then return have[1] end
  local failures, allowed = tonumber(have[3] or '0'), tonumber(have[2])
  if failures <= allowed then return false end
  redis.call('HSET', bulk, 'paused_at', string.format('%.3f', now), 'paused_because',
    string.format('more than %d of its members failed since it was begun or resumed.', allowed))
  return true
end

-- The end of an environment that is still to begin, and from when it is counted.
local function end_to_come(record)
  local expiry = object_in(redis.call('HGET', record, 'expiry'))
  local since = expiry and tonumber(expiry.counted_from)
  if since and tonumber(expiry.at) then return expiry, since end
end

-- While it waits in line, it comes to no end: that is in no set then.
local function begin_life(record, expiries, environment)
  local expiry, since = end_to_come(record)
  if not expiry or redis.call('ZSCORE', expiries, environment) then return end
  local waited = math.max(now - since, 0)
  expiry.at, expiry.counted_from = expiry.at + waited, now
  expiry.warn_at = tonumber(expiry.warn_at) and expiry.warn_at + waited
  expiry.id = string.sub(redis.sha1hex(tostring(expiry.id) .. now), 1, 12)
  redis.call('HSET', record, 'expiry', cjson.encode(expiry), 'expiry_id', expiry.id)
  redis.call('ZADD', expiries, expiry.warn_at or expiry.at, environment)
end

local function let_in(record, under_way, areas, expiries, area, bulk, environment, id, run, flow)
  begin_life(record, expiries, environment)
  redis.call('HSET', under_way, environment, line_mark(id, flow))
  redis.call('SADD', areas, area)
  if redis.call('EXISTS', bulk) == 1 then
    redis.call('HSETNX', bulk, 'started_at', string.format('%.3f', now))
  end
  if redis.call('HGET', record, 'line') ~= line_mark(id, flow) then return end
  redis.call('HSET', record, 'line', '')
  local since = tonumber(run.admitted_at) or tonumber(run.accepted_at)
  local deadline = tonumber(run.deadline_at)
  if not since or not deadline then return end
  run.deadline_at = now + deadline - since
  run.admitted_at = now
  redis.call('HSET', record, 'run', cjson.encode(run))
end
"""
)

ADMIT: Final = (
    NOW
    + FIELDS_OF
    + LET_IN
    + """
local under_way, flows, areas, turns, due, expiries = unpack(KEYS)
local area, records, lines, bulks = unpack(ARGV)
local limit, grace, at_once, looks, format = unpack(ARGV, 5)
local last_step, at_first, before_ready = unpack(ARGV, 10)

local function count_end(bulk, is_ready, failure)
  local failed = failure and failure.category ~= 'cancelled'
  if failed and redis.call('EXISTS', bulk) == 1 then redis.call('HINCRBY', bulk, 'failures', 1) end
  if is_ready and redis.call('HEXISTS', bulk, 'max_failures') == 1 then
    redis.call('HINCRBY', bulk .. ':ready', area, 1)
  end
end

-- Who is let in leaves by what its record says: so nothing has to be told when a worker dies.
local all, begun, got_far = redis.call('HGETALL', under_way), {}, {}
for i = 1, #all, 2 do
  local environment = all[i]
  local id, flow = string.match(all[i + 1], '^(%S+) (.+)$')
  local have = fields_of(records .. environment, 'run_id', 'state', 'failure', 'step')
  if have[1] ~= id or have[2] ~= 'queued' and have[2] ~= 'provisioning' then
    redis.call('HDEL', under_way, environment)
    count_end(bulks .. flow, have[1] == id and have[2] == 'ready', object_in(have[3]))
  else
    begun[flow] = (begun[flow] or 0) + 1
    if have[4] == last_step then got_far[flow] = (got_far[flow] or 0) + 1 end
  end
end

-- Where only so many may fail, few are begun until some have shown that they can be built.
local function is_to_wait_and_see(bulk, flow)
  if redis.call('HEXISTS', bulk, 'max_failures') == 0 then return false end
  local ready = tonumber(redis.call('HGET', bulk .. ':ready', area) or '0')
  local so_far = begun[flow] or 0
  if ready == 0 and so_far >= tonumber(before_ready) then return true end
  return so_far >= at_first + 2 * ((got_far[flow] or 0) + ready)
end

local function waiting_run(record, flow)
  local have = fields_of(record, 'line', 'run_id', 'step', 'run', 'state', 'format')
  -- Of another format, it would be let in for nobody: `due` forgets it.
  if have[5] ~= 'queued' or have[6] ~= format then return end
  return have[1] == line_mark(have[2], flow) and {have[2], have[3], have[4], have[5]}
end

local taken, held, looked = {}, {}, 0
while #taken < tonumber(at_once) and looked < tonumber(looks) do
  looked = looked + 1
  local flow, score = unpack(redis.call('ZPOPMIN', flows))
  if not flow then break end
  local bulk, line, rank = bulks .. flow, lines .. flow, math.floor(score / 1e12)
  if redis.call('HLEN', under_way) >= room_for(limit, rank) then
    -- For those behind it there is no more room than for this one.
    held[flow] = score
    break
  end
  local environment = redis.call('LINDEX', line, 0)
  local run = environment and waiting_run(records .. environment, flow)
  if run and (is_paused(bulk) or is_to_wait_and_see(bulk, flow)) then held[flow] = score
  elseif run then
    redis.call('LPOP', line)
    take_turn(flows, turns, flow, rank)
    let_in(records .. environment, under_way, areas, expiries, area, bulk, environment, run[1],
      run_in(run[3]), flow)
    redis.call('ZADD', due, now + grace, environment)
    begun[flow] = (begun[flow] or 0) + 1
    taken[#taken + 1] = {environment, unpack(run)}
  elseif environment then
    -- Nobody waits there any more: that costs no turn, and is gone also where the bulk is paused.
    redis.call('LPOP', line)
    redis.call('ZADD', flows, score, flow)
  end
end
for flow, score in pairs(held) do redis.call('ZADD', flows, score, flow) end
if redis.call('EXISTS', flows, under_way) == 0 then redis.call('SREM', areas, area) end
return taken
"""
)
