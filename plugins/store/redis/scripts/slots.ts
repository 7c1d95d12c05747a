/** The scripts of slots: fences and holders. */
import type { Script } from '../connection.ts'
import { script } from './shared.ts'

/** ARGV: channel. */
export const fence: Script = script(
  'fence',
  'hash',
  `local given = digits(math.max((number(redis.call('HGET', META, 'fence')) or 0) + 1, epoch() + 1, time()))
redis.call('HSET', META, 'fence', given)
return given
`,
)

/** KEYS[4] slots. ARGV: channel, stamp, slot, rank, fence, '1' to give it up. */
export const hold: Script = script(
  'hold',
  'hash hash hash hash',
  `local status, r, b = stamped()
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
)

/** KEYS[4] slots. ARGV: channel, the version that is known. Gives the version, and where it is another one each slot's field and text. */
export const readSlots: Script = script(
  'slots',
  'hash hash hash hash',
  `local version = redis.call('HGET', META, 'slots') or '0'
if number(version) and version == ARGV[2] then return { version } end
local view = redis.call('HGETALL', KEYS[4])
table.insert(view, 1, version)
return view
`,
)
