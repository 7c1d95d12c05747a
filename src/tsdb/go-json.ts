/** JSON files that Go writes. They are read as loosely as Go's own reader (`encoding/json`) does. */
import * as v from 'valibot'
import { type BlockId, isBlockId } from '../contracts/block.ts'
import { BlockgateError, rawMessageOf } from '../contracts/errors.ts'
import { parseJson } from './untrusted-json.ts'

/** A kind of file: its name, and the code of an error about it. */
export interface GoFile {
  readonly name: string
  readonly code: string
}

/** What `schema` makes of the bytes; its messages complete "must …". @throws BlockgateError about the first thing that is wrong */
export function parseGo<T>(file: GoFile, schema: v.GenericSchema<unknown, T>, bytes: Uint8Array): T {
  let value: unknown
  try {
    value = parseJson(bytes)
  } catch (cause) {
    throw new BlockgateError(file.code, `${file.name}: must be JSON: ${rawMessageOf(cause)}`, { cause })
  }
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true })
  if (result.success) return result.output
  const [{ path = [], message, input }] = result.issues
  throw invalid(file, path.map(item => item.key).join('.'), message, input)
}

export function invalid(file: GoFile, path: string, must: string, value: unknown): BlockgateError {
  return new BlockgateError(file.code, complaint(file.name, path, must, value))
}

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

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object that is no array. */
const record = v.custom<Record<string, unknown>>(isRecord, 'be an object')

type GoObject<E extends v.ObjectEntries> = v.GenericSchema<unknown, v.InferOutput<v.ObjectSchema<E, string>>>

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

export const text: v.GenericSchema<unknown, string> = v.string('be a string')
export const integer: v.GenericSchema<unknown, number> = v.pipe(
  v.number('be a number'),
  v.safeInteger('be a safe integer'),
)
export const count: v.GenericSchema<unknown, number> = v.pipe(integer, v.minValue(0, 'be >= 0'))

/** A ULID in either case, as Go's type reads it; ours is in upper case. */
export const ulid: v.GenericSchema<unknown, BlockId> = v.pipe(
  v.custom<string>(id => typeof id === 'string' && isBlockId(id.toUpperCase()), 'be a ULID'),
  v.transform(id => id.toUpperCase() as BlockId),
)

/**
 * A map of strings, in which Go takes null for ''. It has no prototype: a label may be named `__proto__`, which v.record would
 * drop, and which would be dangerous in a plain object.
 */
export const labels: v.GenericSchema<unknown, Record<string, string>> = v.pipe(
  record,
  v.rawTransform(({ dataset: { value: input }, addIssue }) => {
    const output: Record<string, string> = Object.create(null)
    for (const [key, given] of Object.entries(input)) {
      const value = given ?? ''
      if (typeof value === 'string') output[key] = value
      else
        addIssue({
          message: 'be a string',
          input: value,
          path: [{ type: 'object', origin: 'value', input, key, value }],
        })
    }
    return output
  }),
)
