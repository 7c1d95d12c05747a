/** Options are checked by schemas; what is wrong comes out as problems, never as a throw. */
import * as v from 'valibot'
import { DURATION_MUST, type Duration, parseDuration } from './duration.ts'
import type { Problem } from './host.ts'

/**
 * What is wrong with `options`. `entries` are Valibot schemas by option name; a message given in a schema completes
 * "must …". An option that is undefined counts as absent, so `env.X` fits; every unknown key is a problem, at each depth.
 *
 * @example check: () => checkOptions(options, { replicas: v.optional(v.pipe(v.number(), v.minValue(1, 'be >= 1'))) })
 */
export function checkOptions(options: unknown, entries: v.ObjectEntries, path = ''): readonly Problem[] {
  const schema = v.strictObject(entries)
  const given = withoutUndefined(options)
  const unknown = [...unknownIn(schema, given, path)]
  // Valibot tells the first unknown key of an object only.
  const told = new Set(unknown.map(problem => problem.path))
  const wrong = (v.safeParse(schema, given).issues ?? []).map(issue => {
    const keys = (issue.path ?? []).map(item => item.key)
    return { path: joinPath(path, keys), must: mustOf(issue), value: issue.input }
  })
  return [...wrong.filter(problem => !told.has(problem.path)), ...unknown]
}

/** A schema for a Duration option. */
export const durationOption: v.CustomSchema<Duration, v.ErrorMessage<v.CustomIssue> | undefined> = v.custom<Duration>(
  value => parseDuration(value) !== undefined,
  DURATION_MUST,
)

/** What is used of a schema. */
interface Shape {
  readonly type?: string
  /** Of an optional one. */
  readonly wrapped?: Shape
  /** Of a list. */
  readonly item?: Shape
  readonly entries?: Readonly<Record<string, Shape>>
}

function* unknownIn({ type, wrapped, item, entries }: Shape, value: unknown, path: string): Generator<Problem> {
  if (wrapped) yield* unknownIn(wrapped, value, path)
  if (typeof value !== 'object' || value === null || !(entries || item)) return
  const known = Object.keys(entries ?? {})
  for (const [key, inner] of Object.entries(value)) {
    const at = joinPath(path, [item ? Number(key) : key])
    const shape = item ?? (known.includes(key) ? entries?.[key] : undefined)
    if (shape) yield* unknownIn(shape, inner, at)
    else if (type === 'strict_object') {
      const names = known.join(', ')
      const must = names === '' ? 'be left out: there are no options' : `be one of the known options: ${names}`
      yield { path: at, must, value: inner, known }
    }
  }
}

function mustOf(issue: v.BaseIssue<unknown>): string {
  // Valibot's own messages start with "Invalid"; a message of the schema's author is meant for the reader.
  if (!issue.message.startsWith('Invalid')) return issue.message
  if (issue.received === 'undefined') return 'be given'
  if (issue.expected === 'never') return 'be left out: there is no such option'
  const { expected } = issue
  return expected === null ? 'be valid' : `be ${KINDS[expected] ?? expected.replaceAll('"', "'")}`
}

export const bytesOption: v.GenericSchema = v.optional(
  v.custom(value => bytesOf(value) !== undefined, "be a number of bytes > 0, or such as '40GiB'"),
)

/** `1024`, `'512MiB'`, `'40GiB'`, `'40G'`; undefined where it is none of these. */
export function bytesOf(value: unknown): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([KMGT]?)(?:iB)?$/.exec(String(value)) ?? []
  const bytes = Number(digits) * 1024 ** ' KMGT'.indexOf(unit || ' ')
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}

const KINDS: Readonly<Record<string, string>> = {
  Object: 'an object',
  Array: 'a list',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
}

function joinPath(path: string, keys: readonly unknown[]): string {
  return keys.reduce<string>((at, key) => {
    if (typeof key === 'number') return `${at}[${key}]`
    return at === '' ? String(key) : `${at}.${String(key)}`
  }, path)
}

function withoutUndefined(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return options
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
