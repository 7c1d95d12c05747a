import type { Script } from '../connection.ts'
import { SHARED } from './shared.ts'

const META = `
local wrong = wrong_type({ 'hash', 'hash', 'hash' })
if wrong then return wrong end
local view = { redis.call('HGET', META, 'epoch') or '0', store_id(), frozen() and '1' or '0' }
local function add(entries)
  for _, entry in ipairs(entries) do view[#view + 1] = entry end
  return view
end
`

/** Gives epoch, store id, frozen, cause, and of each record its id and its text. */
export const readRecords: Script = {
  name: 'entries',
  lua: `${SHARED}${META}
view[4] = redis.call('HGET', META, 'cause') or ''
return add(redis.call('HGETALL', RECORDS))
`,
}

/** Gives epoch, store id, frozen, the time in ms, and of each heartbeat its id and its text. */
export const readHeartbeats: Script = {
  name: 'heartbeats',
  lua: `${SHARED}${META}
view[4] = digits(ms())
return add(redis.call('HGETALL', BEATS))
`,
}
