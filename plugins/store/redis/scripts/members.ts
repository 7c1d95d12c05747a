/** The scripts of members: join and leave, heartbeats, those that are silent, and what operators do. */
import { MAX_PLACEMENT } from 'blockgate/members'
import type { Script } from '../connection.ts'
import { script } from './shared.ts'

/** KEYS[4] what the member advertises. ARGV: channel, id, what the member says of itself as JSON, incarnation, sequence, replaces, seen, the traceparent of the change or ''. */
export const join: Script = script(
  'join',
  'hash hash hash set',
  `local id, new = ARGV[2], cjson.decode(ARGV[3])
local incarnation, sequence, replaces, seen = number(ARGV[4]), number(ARGV[5]), number(ARGV[6]), number(ARGV[7])

local old, last, own = entry(id), heartbeat(id), false
if incarnation == 0 then
  own = old and old.process == new.process
  if not own and (old and old.incarnation or 0) ~= replaces then return { 'moved' } end
else
  if old and old.incarnation > incarnation then return { 'superseded' } end
  own = old and old.incarnation == incarnation
end
if own and last and last.sequence >= sequence then return { 'stale' } end

-- A member that is down works on nothing: a cluster that was stopped may start again on another bucket.
local others = redis.call('HGETALL', ENTRIES)
for i = 1, #others, 2 do
  local other = others[i] ~= id and parse_entry(others[i + 1])
  if other and other.state ~= 'down' and new.bucket ~= '' and other.bucket ~= '' and other.bucket ~= new.bucket then
    return { 'other-bucket', others[i], other.bucket }
  end
end

local store, raised = store_id(), next_epoch(seen)
new.state = old and old.draining and 'leaving' or 'active'
new.placed, new.draining = true, old and old.draining or false
new.changed = raised
new.incarnation = own and old.incarnation or incarnation > 0 and incarnation or raised
redis.call('UNLINK', KEYS[4])
set_epoch(raised, id .. ' joined', ARGV[8])
set_entry(id, new)
set_heartbeat(id, {
  incarnation = new.incarnation, sequence = sequence, at = ms(), storeId = '',
  -- One that it never had, also not before it was forgotten.
  version = math.max((last and last.version or 0) + 1, raised),
})
return { 'joined', digits(new.incarnation), digits(raised), store, new.draining and '1' or '0' }
`,
)

/** ARGV: channel, stamp, the store id under which all advertised blocks were told, statistics as JSON or '', seen. */
export const heartbeat: Script = script(
  'heartbeat',
  'hash hash hash',
  `local status, r, b = stamped()
local store, now = store_id(), epoch()
if not status then
  -- A store that lost the epoch gets past what its members have seen.
  if r.state ~= 'down' and now < number(ARGV[7]) then
    now = raise(me.id .. ' has seen a later epoch', '', number(ARGV[7]))
  end
  b.sequence, b.at, b.storeId, b.stats = me.sequence, ms(), ARGV[5], ARGV[6] ~= '' and ARGV[6] or nil
  set_heartbeat(me.id, b)
  status = r.state == 'down' and 'down' or 'ok'
end
return { status, digits(now), store, frozen() and '1' or '0' }
`,
)

/** KEYS[4] what the member advertises. ARGV: channel, stamp, the traceparent of the change or ''. */
export const leave: Script = script(
  'leave',
  'hash hash hash set',
  `local status, r, b = stamped()
if status then return status end
local raised = r.state ~= 'down' and next_epoch()
local had = redis.call('UNLINK', KEYS[4])
if raised then
  set_epoch(raised, me.id .. ' down: stopped', ARGV[5])
  r.state, r.changed = 'down', raised
  set_entry(me.id, r)
end
b.sequence, b.at, b.version = me.sequence, ms(), b.version + had
set_heartbeat(me.id, b)
return 'ok'
`,
)

/** KEYS[4] when members were expired, ms, the last one first. ARGV: channel, id, incarnation, sequence, max, windowMs, by, trace. */
export const expire: Script = script(
  'expire',
  'hash hash hash list',
  `local KEPT = 1000
local id, max, window = ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[6])
local r, b = entry(id), heartbeat(id)
if not r or r.state == 'down' then return 'gone' end
-- Nobody sees a heartbeat move that nobody can read: the incarnation is enough then.
b = b or { incarnation = r.incarnation, sequence = number(ARGV[4]) }
if b.incarnation ~= number(ARGV[3]) or b.sequence ~= number(ARGV[4]) then return 'moved' end
if frozen() then return 'refused' end
local now, recent = ms(), 0
for _, at in ipairs(redis.call('LRANGE', KEYS[4], 0, KEPT - 1)) do
  at = number(at)
  if at and at <= now and now - at < window then recent = recent + 1 end
end
if recent >= math.min(max, KEPT) then return 'refused' end

local raised = next_epoch()
redis.call('LPUSH', KEYS[4], digits(now))
redis.call('LTRIM', KEYS[4], 0, KEPT - 1)
set_epoch(raised, id .. ' down: no heartbeat seen by ' .. ARGV[7], ARGV[8])
r.state, r.changed = 'down', raised
set_entry(id, r)
return 'expired'
`,
)

/** ARGV: channel, id, the epoch of the last change of its entry, trace. */
export const evict: Script = script(
  'evict',
  'hash hash',
  `local id = ARGV[2]
local r = down_since(id, ARGV[3])
if not r or frozen() or not r.placed then return '0' end
local raised = raise(id .. ' evicted: its grace is over', ARGV[4])
r.placed, r.changed = false, raised
set_entry(id, r)
return '1'
`,
)

/** KEYS[4] what the member advertises. ARGV: channel, id, the epoch of the last change of its entry, trace. */
export const forget: Script = script(
  'forget',
  'hash hash hash set',
  `local id = ARGV[2]
local r = down_since(id, ARGV[3])
if not r then return '0' end
local raised = next_epoch()
redis.call('UNLINK', KEYS[4])
set_epoch(raised, id .. ' forgotten', ARGV[4])
redis.call('HDEL', HEARTBEATS, id)
redis.call('HDEL', ENTRIES, id)
return '1'
`,
)

/** ARGV: channel, id, '1' or '0', trace. */
export const drain: Script = script(
  'drain',
  'hash hash',
  `local id, on = ARGV[2], ARGV[3] == '1'
local r = entry(id)
if not r then return '0' end
if r.draining == on then return '1' end
local raised = raise(id .. (on and ' leaving' or ' active again'), ARGV[4])
r.draining, r.changed = on, raised
if r.state ~= 'down' then r.state = on and 'leaving' or 'active' end
set_entry(id, r)
return '1'
`,
)

/** ARGV: channel, '1' or '0', trace. */
export const freeze: Script = script(
  'freeze',
  'hash',
  `local on = ARGV[2] == '1'
if frozen() == on then return 'ok' end
local said = { 'frozen', on and '1' or '0', 'cause', on and 'frozen' or 'thawed', 'trace', traced(ARGV[3]) }
redis.call('HSET', META, 'epoch', digits(next_epoch()), unpack(said))
return 'ok'
`,
)

/** ARGV: channel, stamp, the epoch in which it was worked out, the text, the traceparent of the change or ''. */
export const publishPlacement: Script = script(
  'placement',
  'hash hash hash',
  `local status, r, b = stamped()
if status then return status end
if r.state == 'down' then return 'missing' end
if epoch() ~= number(ARGV[5]) then return 'epoch' end
if frozen() then return 'frozen' end
local raised = next_epoch()
b.sequence, b.at = me.sequence, ms()
set_heartbeat(me.id, b)
redis.call('HSET', META, 'epoch', digits(raised), 'cause', me.id .. ' has published a placement',
  'trace', traced(ARGV[7]), 'placement', digits(raised), 'placement-text', ARGV[6])
return 'ok'
`,
)

/** Epoch, store id and frozen, then `last`, then of each of `entries` its id and its text. */
const view = (last: string, entries: string) => `
local view = { redis.call('HGET', META, 'epoch') or '0', store_id(), frozen() and '1' or '0', ${last} }
for _, text in ipairs(redis.call('HGETALL', ${entries})) do view[#view + 1] = text end
return view
`

/**
 * ARGV: channel, the version of the placement that is known or ''. A view with the cause of the epoch and its trace, the version of the
 * placement, and its text where another version is known; a text that is too long is not sent.
 */
export const readEntries: Script = script(
  'entries',
  'hash hash hash',
  `local version, text = redis.call('HGET', META, 'placement') or '', ''
if version ~= ARGV[2] and redis.call('HSTRLEN', META, 'placement-text') <= ${MAX_PLACEMENT} then
  text = redis.call('HGET', META, 'placement-text') or ''
end
${view("redis.call('HGET', META, 'cause') or '', redis.call('HGET', META, 'trace') or '', version, text", 'ENTRIES')}`,
)

/** A view with the time in ms. */
export const readHeartbeats: Script = script('heartbeats', 'hash hash hash', view('digits(ms())', 'HEARTBEATS'))
