import type { Script } from '../connection.ts'
import { SHARED } from './shared.ts'

/**
 * KEYS[4] claims of the member. ARGV: channel, id, what the member says of itself as JSON, incarnation, sequence, replaces, seen.
 */
export const join: Script = {
  name: 'join',
  lua: `${SHARED}
local wrong = wrong_type({ 'hash', 'hash', 'hash', 'set' })
if wrong then return wrong end
local id, new = ARGV[2], cjson.decode(ARGV[3])
local incarnation, sequence, replaces, seen = number(ARGV[4]), number(ARGV[5]), number(ARGV[6]), number(ARGV[7])

local old, last, own = record(id), heartbeat(id), false
if incarnation == 0 then
  own = old and old.process == new.process
  if not own and (old and old.incarnation or 0) ~= replaces then return { 'moved' } end
else
  if old and old.incarnation > incarnation then return { 'superseded' } end
  own = old and old.incarnation == incarnation
end
if own and last and last.sequence >= sequence then return { 'stale' } end

-- A member that is down works on nothing: a cluster that was stopped may start again on another bucket.
local others = redis.call('HGETALL', RECORDS)
for i = 1, #others, 2 do
  local other = others[i] ~= id and parse_record(others[i + 1])
  if other and other.state ~= 'down' and new.bucket ~= '' and other.bucket ~= '' and other.bucket ~= new.bucket then
    return { 'other-bucket', others[i], other.bucket }
  end
end

local store, raised = store_id(), next_epoch(seen)
new.state = old and old.draining and 'leaving' or 'active'
new.placed, new.draining = true, old and old.draining or false
new.changed = raised
new.incarnation = own and old.incarnation or incarnation > 0 and incarnation or raised
publish(raised)
redis.call('UNLINK', KEYS[4])
set_epoch(raised, id .. ' joined')
set_record(id, new)
set_heartbeat(id, {
  incarnation = new.incarnation, sequence = sequence, at = ms(), storeId = '',
  -- A version that its claims never had, also not in a life of its record that was forgotten.
  claims = math.max((last and last.claims or 0) + 1, raised),
})
return { 'joined', digits(new.incarnation), digits(raised), store, new.draining and '1' or '0' }
`,
}
