import type { Script } from '../connection.ts'
import { SHARED } from './shared.ts'

const DOWN_SINCE = `
local id = ARGV[2]
local r = record(id)
if not r or r.state ~= 'down' or r.changed ~= number(ARGV[3]) then return '0' end
`

/** ARGV: channel, id, the epoch of the record's last change. */
export const evict: Script = {
  name: 'evict',
  lua: `${SHARED}
local wrong = wrong_type({ 'hash', 'hash' })
if wrong then return wrong end
${DOWN_SINCE}
if frozen() or not r.placed then return '0' end
local raised = next_epoch(0)
publish(raised)
set_epoch(raised, id .. ' evicted: its grace is over')
r.placed, r.changed = false, raised
set_record(id, r)
return '1'
`,
}

/** KEYS[4] claims of the member. ARGV: channel, id, the epoch of the record's last change. */
export const forget: Script = {
  name: 'forget',
  lua: `${SHARED}
local wrong = wrong_type({ 'hash', 'hash', 'hash', 'set' })
if wrong then return wrong end
${DOWN_SINCE}
local raised = next_epoch(0)
publish(raised)
redis.call('UNLINK', KEYS[4])
set_epoch(raised, id .. ' forgotten')
redis.call('HDEL', BEATS, id)
redis.call('HDEL', RECORDS, id)
return '1'
`,
}
