/**
 * What the scripts share. A script checks everything first and writes last, because Lua takes nothing back; a prefix of its writes
 * only takes claims away. Texts of users come as KEYS and ARGV only.
 *
 * KEYS: meta, records, heartbeats, then the keys of the script's own. ARGV[1] is the channel. Records and heartbeats are flat JSON
 * objects whose numbers are strings of digits: cjson writes a number with 14 digits, an epoch has 16.
 */
export const SHARED = `
local META, RECORDS, BEATS = KEYS[1], KEYS[2], KEYS[3]
-- The largest that has a next one below 2^53.
local MAX = 9007199254740990
local STATES = { active = true, leaving = true, down = true }

local function number(text)
  if type(text) ~= 'string' or #text > 16 or not string.find(text, '^%d+$') then return nil end
  local value = tonumber(text)
  return value <= MAX and value or nil
end

local function digits(value)
  return string.format('%.0f', value)
end

-- Of each key that the script may write: an error in the middle would leave half of the writes.
local function wrong_type(kinds)
  for i, kind in ipairs(kinds) do
    local is = redis.call('TYPE', KEYS[i]).ok
    if is ~= 'none' and is ~= kind then
      return redis.error_reply('WRONGTYPE key "' .. KEYS[i] .. '" must be a ' .. kind .. ': current value is a ' .. is)
    end
  end
end

-- Microseconds.
local function time()
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

local function ms()
  return math.floor(time() / 1000)
end

local function epoch()
  return number(redis.call('HGET', META, 'epoch')) or 0
end

local function next_epoch(seen)
  return math.max(epoch() + 1, seen + 1, time())
end

-- Told first: a user who may not publish is refused before anything is written. Nobody reads before the script is over.
local function publish(new)
  redis.call('PUBLISH', ARGV[1], digits(new))
end

local function set_epoch(new, cause)
  redis.call('HSET', META, 'epoch', digits(new), 'cause', cause)
end

local function frozen()
  local value = redis.call('HGET', META, 'frozen')
  return value and value ~= '0'
end

-- The process that answers, as long as it has answered without another one in between; without INFO the set of keys.
-- That it is written before the checks takes away nothing but what claims count for.
local function store_id()
  local known = redis.call('HGET', META, 'store')
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or nil
  if known and (not run or string.sub(known, 1, #run + 1) == run .. '.') then return known end
  local new = (run or 'unnamed') .. '.' .. digits(time())
  redis.call('HSET', META, 'store', new)
  return new
end

local function decode(text)
  if not text then return nil end
  local ok, value = pcall(cjson.decode, text)
  return ok and type(value) == 'table' and value or nil
end

local function optional(value)
  return value == nil or type(value) == 'string'
end

-- Nil for what is not a record, as the reader of records sees it.
local function parse_record(text)
  local r = decode(text)
  if not r then return nil end
  r.incarnation, r.changed = number(r.incarnation), number(r.changed)
  local whole = r.incarnation and r.changed and STATES[r.state] and type(r.placed) == 'boolean'
    and type(r.draining) == 'boolean' and type(r.process) == 'string' and type(r.rules) == 'string'
    and type(r.bucket) == 'string' and optional(r.zone) and optional(r.address)
  return whole and r or nil
end

local function record(id)
  return parse_record(redis.call('HGET', RECORDS, id))
end

local function set_record(id, r)
  redis.call('HSET', RECORDS, id, cjson.encode({
    zone = r.zone, address = r.address, state = r.state, placed = r.placed, draining = r.draining,
    incarnation = digits(r.incarnation), process = r.process, rules = r.rules, bucket = r.bucket,
    changed = digits(r.changed),
  }))
end

local function heartbeat(id)
  local b = decode(redis.call('HGET', BEATS, id))
  if not b then return nil end
  b.incarnation, b.sequence, b.at, b.claims = number(b.incarnation), number(b.sequence), number(b.at), number(b.claims)
  local whole = b.incarnation and b.sequence and b.at and b.claims and type(b.storeId) == 'string' and optional(b.stats)
  return whole and b or nil
end

local function set_heartbeat(id, b)
  redis.call('HSET', BEATS, id, cjson.encode({
    incarnation = digits(b.incarnation), sequence = digits(b.sequence), at = digits(b.at), claims = digits(b.claims),
    storeId = b.storeId, stats = b.stats,
  }))
end
`

/** For the scripts of stamped writes: ARGV[2..4] is the stamp. */
export const STAMPED = `
local me = { id = ARGV[2], incarnation = number(ARGV[3]), sequence = number(ARGV[4]) }

-- Why the write is refused, or nil with the record and the heartbeat. Without its heartbeat nobody knows which writes are old: join again.
local function stamped()
  local r = record(me.id)
  if r and r.incarnation > me.incarnation then return 'superseded' end
  local b = heartbeat(me.id)
  if not r or r.incarnation ~= me.incarnation or not b or b.incarnation ~= me.incarnation then return 'missing' end
  if b.sequence >= me.sequence then return 'stale' end
  return nil, r, b
end
`
