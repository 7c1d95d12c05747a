/** Valibot schemas for what Go writes, as lax as Go's own reader (`encoding/json`) where Go may have written it. */
import * as v from 'valibot'
import { type BlockId, isBlockId } from '../contracts/block.ts'

/** An object that is no array. */
export const record: v.GenericSchema<Record<string, unknown>> = v.custom<Record<string, unknown>>(
  value => typeof value === 'object' && value !== null && !Array.isArray(value),
  'be an object',
)

type GoObject<E extends v.ObjectEntries> = v.GenericSchema<
  Record<string, unknown>,
  v.InferOutput<v.ObjectSchema<E, string>>
>

/**
 * Of a struct: keys match whatever their case, and one that matches exactly wins. (v.object alone would take an array for an
 * object without fields.)
 */
export function object<const E extends v.ObjectEntries>(entries: E): GoObject<E> {
  const names = new Map(Object.keys(entries).map(name => [name.toLowerCase(), name]))
  const fold = (input: Record<string, unknown>): Record<string, unknown> => {
    const others = Object.keys(input).filter(key => !Object.hasOwn(entries, key) && names.has(key.toLowerCase()))
    if (others.length === 0) return input
    return { ...Object.fromEntries(others.map(key => [names.get(key.toLowerCase()), input[key]])), ...input }
  }
  return v.pipe(record, v.transform(fold), v.object(entries, 'be given'))
}

/** A ULID in either case, as Go's type reads it; ours is in upper case. */
export const ulid: v.GenericSchema<string, BlockId> = v.pipe(
  v.custom<string>(id => typeof id === 'string' && isBlockId(id.toUpperCase()), 'be a ULID'),
  v.transform(id => id.toUpperCase() as BlockId),
)

/** `meta.json: version: must be 1: current value is 20`: short, and on one line, whatever the bytes were. */
export function complaint(file: string, path: string, must: string, value: unknown): string {
  const where = path === '' ? file : `${file}: ${JSON.stringify(path.slice(0, 100)).slice(1, -1)}`
  return `${where}: must ${must}: current value is ${show(value)}`
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64))
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}
