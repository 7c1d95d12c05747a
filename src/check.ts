/** Options are checked by schemas; what is wrong comes out as problems, never as a throw. */
import * as v from 'valibot'
import { DURATION_MUST, type Duration, parseDuration } from './async/duration.ts'
import type { Problem } from './host.ts'

/**
 * What is wrong with `options`. `entries` are Valibot schemas by option name; a message given in a schema completes
 * "must …". An option that is undefined counts as absent, so `env.X` fits; unknown keys are problems.
 *
 * @example check: () => checkOptions(options, { replicas: v.optional(v.pipe(v.number(), v.minValue(1, 'be >= 1'))) })
 */
export function checkOptions(options: unknown, entries: v.ObjectEntries, path = ''): readonly Problem[] {
  const known = Object.keys(entries)
  const result = v.safeParse(v.strictObject(entries), withoutUndefined(options))
  return (result.issues ?? []).map(issue => {
    const keys = (issue.path ?? []).map(item => item.key)
    const unknown = issue.type === 'strict_object' && issue.expected === 'never'
    return {
      path: joinPath(path, keys),
      must: unknown ? unknownMust(keys.length, known) : mustOf(issue),
      // Of an unknown key Valibot gives the key itself.
      value: unknown ? at(options, keys) : issue.input,
    }
  })
}

/** A schema for a Duration option. */
export const durationOption: v.CustomSchema<Duration, v.ErrorMessage<v.CustomIssue> | undefined> = v.custom<Duration>(
  value => parseDuration(value) !== undefined,
  DURATION_MUST,
)

function unknownMust(depth: number, known: readonly string[]): string {
  if (depth > 1) return 'be left out: there is no such option'
  return `be one of the known options: ${known.join(', ') || 'there are none'}`
}

function at(options: unknown, keys: readonly unknown[]): unknown {
  return keys.reduce((value, key) => (value as Readonly<Record<PropertyKey, unknown>>)[key as PropertyKey], options)
}

function mustOf(issue: v.BaseIssue<unknown>): string {
  // Valibot's own messages start with "Invalid"; a message of the schema's author is meant for the reader.
  if (!issue.message.startsWith('Invalid')) return issue.message
  if (issue.received === 'undefined') return 'be given'
  return issue.expected === null ? 'be valid' : `be ${issue.expected.replaceAll('"', "'")}`
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
