import type { Script } from '../connection.ts'
import { SHARED, STAMPED } from './shared.ts'

/** KEYS[4] claims of the member. ARGV: channel, stamp, how many ids are dropped, these, the ids that are added. */
export const serve: Script = {
  name: 'serve',
  lua: `${SHARED}${STAMPED}
local wrong = wrong_type({ 'hash', 'hash', 'hash', 'set' })
if wrong then return wrong end
local status, r, b = stamped()
if status then return status end
local first, changed = 6 + tonumber(ARGV[5]), false
if first <= #ARGV then
  for _, had in ipairs(redis.call('SMISMEMBER', KEYS[4], unpack(ARGV, first))) do changed = changed or had == 0 end
end
if first > 6 and redis.call('SREM', KEYS[4], unpack(ARGV, 6, first - 1)) > 0 then changed = true end
b.sequence, b.at, b.claims = me.sequence, ms(), b.claims + (changed and 1 or 0)
set_heartbeat(me.id, b)
if first <= #ARGV then redis.call('SADD', KEYS[4], unpack(ARGV, first)) end
return 'ok'
`,
}
