/** The scripts of blocks: which ones a member serves, and the release of those that it hands over. */
import type { Script } from '../connection.ts'
import { script } from './shared.ts'

/** KEYS[4] what the member advertises. ARGV: channel, stamp, how many ids are dropped, these, the ids that are added. */
export const serve: Script = script(
  'serve',
  'hash hash hash set',
  `local status, r, b = stamped()
if status then return status end
local first, changed = 6 + tonumber(ARGV[5]), false
if first <= #ARGV then
  for _, had in ipairs(redis.call('SMISMEMBER', KEYS[4], unpack(ARGV, first))) do changed = changed or had == 0 end
end
if first > 6 and redis.call('SREM', KEYS[4], unpack(ARGV, 6, first - 1)) > 0 then changed = true end
b.sequence, b.at, b.version = me.sequence, ms(), b.version + (changed and 1 or 0)
set_heartbeat(me.id, b)
if first <= #ARGV then redis.call('SADD', KEYS[4], unpack(ARGV, first)) end
return 'ok'
`,
)

/** KEYS[4] traces. ARGV: channel, then of each block its id and its traceparent. They are gone an hour after the last one came. */
export const tellTraces: Script = script(
  'tellTraces',
  'hash hash hash hash',
  `if redis.call('HLEN', KEYS[4]) > 20000 then redis.call('UNLINK', KEYS[4]) end
redis.call('HSET', KEYS[4], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[4], 3600)
return 'ok'
`,
)

/**
 * KEYS[4] what the member advertises, KEYS[5 …] what each target does, then slots. ARGV: channel, stamp, the epoch it was decided
 * in, how old a heartbeat may be, the number of targets, their ids; then of each item: id, superseding block, quorum, the number
 * of its targets, and of each its place among the targets; then its precondition: the number of entries that the slot must have
 * (-1 where there is none), the slot, and of each entry rank, fence and holder.
 */
export const release: Script = script(
  'release',
  'hash hash hash set',
  `local MAX_RANK = 15
local count = tonumber(ARGV[7])
local SLOTS, kinds = KEYS[5 + count], { 'hash', 'hash', 'hash', 'set' }
for i = 5, 4 + count do kinds[i] = 'set' end
kinds[5 + count] = 'hash'
wrong = wrong_type(kinds)
if wrong then return wrong end
local status, own, b = stamped()
if status then return { status } end
if own.state == 'down' then return { 'missing' } end
if epoch() ~= number(ARGV[5]) then return { 'epoch' } end
if frozen() then return { 'frozen' } end

local store, now, fresh = store_id(), ms(), tonumber(ARGV[6])
local live = {}
for i = 1, count do
  local r, seen = entry(ARGV[7 + i]), heartbeat(ARGV[7 + i])
  live[i] = r and seen and r.state ~= 'down' and seen.incarnation == r.incarnation and seen.storeId == store
    -- After a step back of the clock a heartbeat may lie in the future: nobody knows how old it is.
    and seen.at <= now and now - seen.at < fresh
end

-- Whether the entries of the slot are exactly the ones that begin at ARGV[from].
local function holds(slot, entries, from)
  local fields = {}
  for rank = 0, MAX_RANK do fields[rank + 1] = slot .. '/' .. digits(rank) end
  local there, found = redis.call('HMGET', SLOTS, unpack(fields)), 0
  for rank = 0, MAX_RANK do
    if parse_slot(there[rank + 1]) then found = found + 1 end
  end
  for i = from, from + 3 * (entries - 1), 3 do
    local last, holder = parse_slot(there[tonumber(ARGV[i]) + 1])
    if last ~= number(ARGV[i + 1]) or holder ~= ARGV[i + 2] then return false end
  end
  return found == entries
end

local released, given_up, at = {}, {}, 8 + count
while at <= #ARGV do
  local item, superseding, quorum, targets = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local serving, itself = 0, false
  for i = at + 4, at + 3 + targets do
    local target = tonumber(ARGV[i])
    local mine = ARGV[7 + target] == me.id
    itself = itself or mine and superseding == item
    -- Two blocks of one member cannot vouch for each other: what it gives up here is gone for the items after it.
    if live[target] and not (mine and given_up[superseding]) and redis.call('SISMEMBER', KEYS[4 + target], superseding) == 1 then
      serving = serving + 1
    end
  end
  at = at + 4 + targets
  local entries = tonumber(ARGV[at])
  local kept = entries >= 0 and not holds(ARGV[at + 1], entries, at + 2)
  at = at + (entries >= 0 and 2 + 3 * entries or 1)
  if not kept and not itself and serving > 0 and (quorum == 'any' or serving == targets) then
    released[#released + 1] = item
    given_up[item] = true
  end
end

if #released > 0 and redis.call('SREM', KEYS[4], unpack(released)) > 0 then b.version = b.version + 1 end
b.sequence, b.at = me.sequence, now
set_heartbeat(me.id, b)
return { 'ok', unpack(released) }
`,
)
