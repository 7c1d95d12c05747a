import type { Script } from '../connection.ts'
import { SHARED, STAMPED } from './shared.ts'

/** KEYS[4] claims of the member. ARGV: channel, stamp. */
export const leave: Script = {
  name: 'leave',
  lua: `${SHARED}${STAMPED}
local wrong = wrong_type({ 'hash', 'hash', 'hash', 'set' })
if wrong then return wrong end
local status, r, b = stamped()
if status then return status end
local up, raised = r.state ~= 'down', next_epoch(0)
if up then publish(raised) end
local had = redis.call('UNLINK', KEYS[4])
if up then
  set_epoch(raised, me.id .. ' down: stopped')
  r.state, r.changed = 'down', raised
  set_record(me.id, r)
end
b.sequence, b.at, b.claims = me.sequence, ms(), b.claims + had
set_heartbeat(me.id, b)
return 'ok'
`,
}
