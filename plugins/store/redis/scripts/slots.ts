/** The scripts of slots: fences, holders, and which records were written last. */
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

/**
 * A change is the mark of its write and the fields that it wrote: '<mark>\\n<field> <field>'. The mark is '<version> <stamp>': no other
 * write has it, also not one that comes after a failover which lost this one. The newest comes first. They count only where the newest
 * has the version of the slots: an older member records a holder and knows nothing of them.
 */
const CHANGES = `
local SLOTS, CHANGES, KEPT = KEYS[4], KEYS[5], 256

local function change(text)
  if text then return string.match(text, '^([^\\n]*)\\n(.*)$') end
end

-- The mark of the newest change; nil where the changes do not count.
local function newest()
  local mark = change(redis.call('LRANGE', CHANGES, 0, 0)[1])
  local version = redis.call('HGET', META, 'slots')
  return mark and number(version) and string.match(mark, '^%d*') == version and mark or nil
end
`

/**
 * KEYS[4] slots, KEYS[5] changes. ARGV: channel, stamp, fence, '1' to give up, then fields. Gives 'ok' and the fields
 * that it wrote, or 'older'.
 */
export const hold: Script = script(
  'hold',
  'hash hash hash hash list',
  `${CHANGES}
local status, r, b = stamped()
if status then return { status } end
if r.state == 'down' then return { 'missing' } end
local new, give = number(ARGV[5]), ARGV[6] == '1'
local reply, writes = { 'ok' }, {}
for i = 7, #ARGV do
  local field = ARGV[i]
  local last, holder = parse_slot(redis.call('HGET', SLOTS, field))
  if not (last and new <= last or give and holder ~= me.id) then
    table.insert(reply, field)
    table.insert(writes, field)
    table.insert(writes, digits(new) .. ' ' .. (give and '' or me.id))
  end
end
if #writes == 0 then return { 'older' } end

-- It follows the clock: what is recorded again after a loss makes no version of before.
local version = digits(math.max((number(redis.call('HGET', META, 'slots')) or 0) + 1, new, time()))
publish(version)
if not newest() then redis.call('UNLINK', CHANGES) end
b.sequence, b.at = me.sequence, ms()
set_heartbeat(me.id, b)
local mark = table.concat({ version, me.id, ARGV[3], ARGV[4] }, ' ')
redis.call('LPUSH', CHANGES, mark .. '\\n' .. table.concat(reply, ' ', 2))
redis.call('LTRIM', CHANGES, 0, KEPT - 1)
-- The version first: who reads it with the old record reads once more in vain, who read the record without it would never.
redis.call('HSET', META, 'slots', version)
redis.call('HSET', SLOTS, unpack(writes))
return reply
`,
)

/**
 * KEYS as above. ARGV: channel, the mark that is known or ''. Gives the mark, and where it is another one '1' and each slot's field and text, or
 * '0' and those that were written since, each once.
 */
export const readSlots: Script = script(
  'slots',
  'hash hash hash hash list',
  `${CHANGES}
local since, mark = ARGV[2], newest()
local now = mark or redis.call('HGET', META, 'slots') or '0'
if number(string.match(now, '^%d*')) and now == since then return { now } end
local view, seen = { now, '0' }, {}
for from = 0, mark and since ~= '' and KEPT - 1 or -1, 16 do
  for _, text in ipairs(redis.call('LRANGE', CHANGES, from, from + 15)) do
    local at, fields = change(text)
    if at == since then return view end
    for field in string.gmatch(fields or '', '%S+') do
      if not seen[field] then
        seen[field] = true
        table.insert(view, field)
        table.insert(view, redis.call('HGET', SLOTS, field) or '')
      end
    end
  end
end
view = redis.call('HGETALL', SLOTS)
table.insert(view, 1, '1')
table.insert(view, 1, now)
return view
`,
)
