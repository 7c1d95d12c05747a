import type { Script } from '../connection.ts'
import { SHARED, STAMPED } from './shared.ts'

/** ARGV: channel. */
export const fence: Script = {
  name: 'fence',
  lua: `${SHARED}
local wrong = wrong_type({ 'hash' })
if wrong then return wrong end
local given = digits(math.max((number(redis.call('HGET', META, 'fence')) or 0) + 1, epoch() + 1, time()))
redis.call('HSET', META, 'fence', given)
return given
`,
}

/** A slot's record is its fence and its holder: '<digits> <id>'. Gives both, or nil for what is not one, as the reader of slots sees it. */
export const SLOT = `
local function parse_slot(text)
  if not text then return nil end
  local at, holder = string.match(text, '^(%d+) ([A-Za-z0-9._:-]*)$')
  at = number(at)
  if at and #holder <= 128 then return at, holder end
end
`

/** KEYS[4] slots. ARGV: channel, stamp, slot, rank, fence, '1' to give it up. */
export const hold: Script = {
  name: 'hold',
  lua: `${SHARED}${STAMPED}${SLOT}
local wrong = wrong_type({ 'hash', 'hash', 'hash', 'hash' })
if wrong then return wrong end
local status, r, b = stamped()
if status then return status end
if r.state == 'down' then return 'missing' end
local field, new, give = ARGV[5] .. '/' .. ARGV[6], number(ARGV[7]), ARGV[8] == '1'
local last, holder = parse_slot(redis.call('HGET', KEYS[4], field))
if last and new <= last or give and holder ~= me.id then return 'older' end

-- It follows the clock: what is recorded again after a loss makes no version of before.
local version = digits(math.max((number(redis.call('HGET', META, 'slots')) or 0) + 1, new, time()))
publish(version)
b.sequence, b.at = me.sequence, ms()
set_heartbeat(me.id, b)
-- The version first: who reads it with the old record reads once more in vain, who read the record without it would never.
redis.call('HSET', META, 'slots', version)
redis.call('HSET', KEYS[4], field, digits(new) .. ' ' .. (give and '' or me.id))
return 'ok'
`,
}

/** KEYS[4] slots. ARGV: channel, the version that is known. Gives the version, and where it is another one each slot's field and text. */
export const readSlots: Script = {
  name: 'slots',
  lua: `${SHARED}
local wrong = wrong_type({ 'hash', 'hash', 'hash', 'hash' })
if wrong then return wrong end
local version = redis.call('HGET', META, 'slots') or '0'
if number(version) and version == ARGV[2] then return { version } end
local view = redis.call('HGETALL', KEYS[4])
table.insert(view, 1, version)
return view
`,
}
