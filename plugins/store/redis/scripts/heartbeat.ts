import type { Script } from '../connection.ts'
import { SHARED, STAMPED } from './shared.ts'

/** ARGV: channel, stamp, the store id under which all claims were told, statistics as JSON or '', seen. */
export const heartbeat: Script = {
  name: 'heartbeat',
  lua: `${SHARED}${STAMPED}
local wrong = wrong_type({ 'hash', 'hash', 'hash' })
if wrong then return wrong end
local status, r, b = stamped()
local store, now = store_id(), epoch()
if not status then
  -- A store that lost the epoch gets past what its members have seen.
  if r.state ~= 'down' and now < number(ARGV[7]) then
    now = next_epoch(number(ARGV[7]))
    publish(now)
    set_epoch(now, me.id .. ' has seen a later epoch')
  end
  b.sequence, b.at, b.storeId, b.stats = me.sequence, ms(), ARGV[5], ARGV[6] ~= '' and ARGV[6] or nil
  set_heartbeat(me.id, b)
  status = r.state == 'down' and 'down' or 'ok'
end
return { status, digits(now), store, frozen() and '1' or '0' }
`,
}
