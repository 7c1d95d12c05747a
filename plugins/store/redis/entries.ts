/** Member entries, heartbeats and slots as they stand in Redis; `parse_entry`, `heartbeat` and `parse_slot` in scripts/shared.ts see them alike. */
import type { MemberStats } from 'blockgate'
import { type Heartbeat, MEMBER_ID, type MemberEntry, type SlotEntry } from 'blockgate/members'
import * as v from 'valibot'

/** The largest that has a next one below 2^53. */
const MAX = Number.MAX_SAFE_INTEGER - 1

const MAX_SLOT = 65_535
const MAX_RANK = 15

const DIGITS = /^\d{1,16}$/
const digits = v.pipe(v.string(), v.regex(DIGITS), v.transform(Number), v.maxValue(MAX))
const count = v.pipe(v.number(), v.minValue(0), v.finite())

const ENTRY = v.object({
  zone: v.optional(v.string()),
  address: v.optional(v.string()),
  state: v.picklist(['active', 'leaving', 'down']),
  placed: v.boolean(),
  draining: v.boolean(),
  incarnation: digits,
  process: v.string(),
  fingerprint: v.string(),
  bucket: v.string(),
  changed: digits,
})

const HEARTBEAT = v.object({
  incarnation: digits,
  sequence: digits,
  at: digits,
  version: digits,
  storeId: v.string(),
  stats: v.optional(v.string()),
})

const STATS = v.object({
  assigned: count,
  serving: count,
  pendingHandOff: count,
  lastCopy: count,
  failed: count,
  bytes: count,
})

export interface Parsed<T> {
  readonly entries: ReadonlyMap<string, T>
  /** Those that were left out. */
  readonly broken: number
}

/** @param flat field, value, field, value, as HGETALL gives them */
export function membersOf(flat: readonly string[]): Parsed<MemberEntry> {
  return parsed(flat, (id, value) => {
    const { success, output } = v.safeParse(ENTRY, value)
    if (!success) return undefined
    return { value: { id, ...output, zone: output.zone, address: output.address } }
  })
}

/** @param now the time in Redis, in ms */
export function heartbeatsOf(flat: readonly string[], now: number): Parsed<Heartbeat> {
  return parsed(flat, (_, value) => {
    const { success, output } = v.safeParse(HEARTBEAT, value)
    if (!success) return undefined
    const { at, stats: text, ...heartbeat } = output
    const stats = statsOf(text)
    // What it says of itself is for people: without it the heartbeat still counts.
    return {
      value: { ...heartbeat, age: Math.max(0, now - at), stats },
      flawed: text !== undefined && stats === undefined,
    }
  })
}

/** By their fields. */
export function slotsOf(flat: readonly string[]): Parsed<SlotEntry> {
  const entries = new Map<string, SlotEntry>()
  let broken = 0
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const field = flat[i] as string
    const [slot = -1, rank = -1] = field.split('/').map(Number)
    const [, digits, holder = ''] = /^(\d+) (.*)$/.exec(flat[i + 1] as string) ?? []
    const fence = epochOf(digits)
    // Written otherwise it is a field that no script reads, and maybe a second one of the slot.
    const read = slot <= MAX_SLOT && rank <= MAX_RANK && /^\d+\/\d+$/.test(field) && field === `${slot}/${rank}`
    if (read && fence !== undefined && (holder === '' || MEMBER_ID.test(holder)))
      entries.set(field, { slot, rank, holder, fence })
    else broken++
  }
  return { entries, broken }
}

/** An epoch as it stands in Redis; undefined for anything else. */
export function epochOf(text: unknown): number | undefined {
  // Not by the schema: thousands of slots are read at a start.
  if (typeof text !== 'string' || !DIGITS.test(text)) return undefined
  const value = Number(text)
  return value <= MAX ? value : undefined
}

interface Read<T> {
  readonly value: T
  readonly flawed?: boolean
}

/** In the order of the ids: a hash has none. */
function parsed<T>(flat: readonly string[], parse: (id: string, value: unknown) => Read<T> | undefined): Parsed<T> {
  const entries: [string, T][] = []
  let broken = 0
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const id = flat[i] as string
    const entry = MEMBER_ID.test(id) ? parse(id, json(flat[i + 1] as string)) : undefined
    if (entry === undefined || entry.flawed) broken++
    if (entry !== undefined) entries.push([id, entry.value])
  }
  return { entries: new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1))), broken }
}

function statsOf(text: string | undefined): MemberStats | undefined {
  const { success, output } = v.safeParse(STATS, text === undefined ? undefined : json(text))
  return success ? output : undefined
}

/** Undefined for what is not JSON. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
