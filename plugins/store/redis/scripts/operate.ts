import type { Script } from '../connection.ts'
import { SHARED } from './shared.ts'

/** ARGV: channel, id, '1' or '0'. */
export const drain: Script = {
  name: 'drain',
  lua: `${SHARED}
local wrong = wrong_type({ 'hash', 'hash' })
if wrong then return wrong end
local id, on = ARGV[2], ARGV[3] == '1'
local r = record(id)
if not r then return '0' end
if r.draining == on then return '1' end
local raised = next_epoch(0)
publish(raised)
set_epoch(raised, id .. (on and ' leaving' or ' active again'))
r.draining, r.changed = on, raised
if r.state ~= 'down' then r.state = on and 'leaving' or 'active' end
set_record(id, r)
return '1'
`,
}

/** ARGV: channel, '1' or '0'. */
export const freeze: Script = {
  name: 'freeze',
  lua: `${SHARED}
local wrong = wrong_type({ 'hash' })
if wrong then return wrong end
local on = ARGV[2] == '1'
if frozen() == on then return 'ok' end
local raised = next_epoch(0)
publish(raised)
redis.call('HSET', META, 'frozen', on and '1' or '0', 'epoch', digits(raised), 'cause', on and 'frozen' or 'thawed')
return 'ok'
`,
}
