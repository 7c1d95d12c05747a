import type { Script } from '../connection.ts'
import { SHARED } from './shared.ts'

/** KEYS[4] when members were expired, ms, the last one first. ARGV: channel, id, incarnation, sequence, max, windowMs, by. */
export const expire: Script = {
  name: 'expire',
  lua: `${SHARED}
local KEPT = 1000
local wrong = wrong_type({ 'hash', 'hash', 'hash', 'list' })
if wrong then return wrong end
local id, max, window = ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[6])
local r, b = record(id), heartbeat(id)
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

local raised = next_epoch(0)
publish(raised)
redis.call('LPUSH', KEYS[4], digits(now))
redis.call('LTRIM', KEYS[4], 0, KEPT - 1)
set_epoch(raised, id .. ' down: no heartbeat seen by ' .. ARGV[7])
r.state, r.changed = 'down', raised
set_record(id, r)
return 'expired'
`,
}
