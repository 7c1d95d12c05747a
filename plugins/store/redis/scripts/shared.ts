import type { Script } from '../connection.ts'

/**
 * What the scripts share. A script checks everything first and writes last, because Lua takes nothing back; a prefix of its writes
 * only takes advertised blocks away. Texts of users come as KEYS and ARGV only.
 *
 * KEYS: meta, members, heartbeats, then the keys of the script's own. ARGV[1] is the channel. Member entries and heartbeats are flat JSON
 * objects whose numbers are strings of digits: cjson writes a number with 14 digits, an epoch has 16.
 */
const SHARED = `
local META, ENTRIES, HEARTBEATS = KEYS[1], KEYS[2], KEYS[3]
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

-- Told first: a user who may not publish is refused before anything is written. Nobody reads before the script is over.
local function publish(version)
  redis.call('PUBLISH', ARGV[1], digits(version))
end

local function next_epoch(seen)
  local new = math.max(epoch() + 1, (seen or 0) + 1, time())
  publish(new)
  return new
end

-- For people: a text that is not as long as a traceparent is none.
local function traced(trace)
  return trace and #trace == 55 and trace or ''
end

local function set_epoch(new, cause, trace)
  redis.call('HSET', META, 'epoch', digits(new), 'cause', cause, 'trace', traced(trace))
end

local function raise(cause, trace, seen)
  local new = next_epoch(seen)
  set_epoch(new, cause, trace)
  return new
end

local function frozen()
  local value = redis.call('HGET', META, 'frozen')
  return value and value ~= '0'
end

-- The process that answers, as long as it has answered without another one in between; without INFO the set of keys.
-- That it is written before the checks takes away nothing but what advertised blocks count for.
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

-- Nil for what is not a member entry, as entries.ts sees it.
local function parse_entry(text)
  local r = decode(text)
  if not r then return nil end
  r.incarnation, r.changed = number(r.incarnation), number(r.changed)
  local whole = r.incarnation and r.changed and STATES[r.state] and type(r.placed) == 'boolean'
    and type(r.draining) == 'boolean' and type(r.process) == 'string' and type(r.fingerprint) == 'string'
    and type(r.bucket) == 'string' and optional(r.zone) and optional(r.address)
  return whole and r or nil
end

local function entry(id)
  return parse_entry(redis.call('HGET', ENTRIES, id))
end

local function set_entry(id, r)
  redis.call('HSET', ENTRIES, id, cjson.encode({
    zone = r.zone, address = r.address, state = r.state, placed = r.placed, draining = r.draining,
    incarnation = digits(r.incarnation), process = r.process, fingerprint = r.fingerprint, bucket = r.bucket,
    changed = digits(r.changed),
  }))
end

local function heartbeat(id)
  local b = decode(redis.call('HGET', HEARTBEATS, id))
  if not b then return nil end
  b.incarnation, b.sequence, b.at, b.version = number(b.incarnation), number(b.sequence), number(b.at), number(b.version)
  local whole = b.incarnation and b.sequence and b.at and b.version and type(b.storeId) == 'string' and optional(b.stats)
  return whole and b or nil
end

local function set_heartbeat(id, b)
  redis.call('HSET', HEARTBEATS, id, cjson.encode({
    incarnation = digits(b.incarnation), sequence = digits(b.sequence), at = digits(b.at), version = digits(b.version),
    storeId = b.storeId, stats = b.stats,
  }))
end

-- The entry of a member that is down since that epoch; else nil.
local function down_since(id, changed)
  local r = entry(id)
  return r and r.state == 'down' and r.changed == number(changed) and r or nil
end

-- A slot's entry is its fence and its holder: '<digits> <id>'. Gives both, or nil for what is not one, as entries.ts sees it.
local function parse_slot(text)
  if not text then return nil end
  local at, holder = string.match(text, '^(%d+) ([A-Za-z0-9._:-]*)$')
  at = number(at)
  if at and #holder <= 128 then return at, holder end
end

-- A stamped write has its stamp in ARGV[2..4].
local me = { id = ARGV[2], incarnation = number(ARGV[3]), sequence = number(ARGV[4]) }

-- Why the write is refused, or nil with entry and heartbeat. Without its heartbeat nobody knows which writes are old: join again.
local function stamped()
  local r = entry(me.id)
  if r and r.incarnation > me.incarnation then return 'superseded' end
  local b = heartbeat(me.id)
  if not r or r.incarnation ~= me.incarnation or not b or b.incarnation ~= me.incarnation then return 'missing' end
  if b.sequence >= me.sequence then return 'stale' end
  return nil, r, b
end
`

/** A script that is given the keys above, then its own; `types` are what KEYS must be, in their order, one word each. */
export function script(name: string, types: string, body: string): Script {
  const kinds = types.split(' ').map(type => `'${type}'`)
  return {
    name,
    lua: `${SHARED}\nlocal wrong = wrong_type({ ${kinds.join(', ')} })\nif wrong then return wrong end\n${body}`,
  }
}
