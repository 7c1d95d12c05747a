/** Label matchers as Prometheus has them: a label that is missing is the empty text, and regular expressions are RE2's, anchored. */
import { RE2JS } from 're2js'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import { alternatives, sizeOf } from './pattern-text.ts'

export type MatcherType = '=' | '!=' | '=~' | '!~'

/** As it was asked. */
export interface LabelMatcher {
  readonly type: MatcherType
  readonly name: string
  readonly value: string
}

/** A matcher that is ready to be asked. */
export interface Matcher extends LabelMatcher {
  /** The only values that it selects, where it says so itself: `a` of `="a"`, `a` and `b` of `=~"a|b"`. Undefined for `!=` and `!~`. */
  readonly values: ReadonlySet<string> | undefined
  /** Every value that it selects begins so; '' where that is not known. */
  readonly prefix: string
  matches(value: string): boolean
}

/**
 * Of a pattern that must be compiled, by `sizeOf`: re2js takes 5 to 30 µs for each. Prometheus has no such limit, and Go's compiler is
 * faster. A list of texts, as Grafana makes it of a variable, is not compiled, and may be of any length.
 */
const MAX_SIZE = 16 * 1024
/** Characters of it in an error. */
const MAX_SHOWN = 200
/** Values that are looked up one by one rather than by going over all. */
const MAX_VALUES = 10_000

/** Patterns that were asked last: a dashboard asks for the same ones every minute, and compiling one takes milliseconds. */
const KEPT_PATTERNS = 32
/**
 * A longer pattern is not kept. A usual one takes 50 kB compiled; `(a|bc[x-z]){1000}` takes 1 MB, and the states that re2js 2.10 keeps of
 * one such as `.*a.{20}x.*b.{20}` grow to 7 MB: so few are kept.
 */
const MAX_KEPT = 1024
const kept = new Map<string, Pattern>()

/** @throws BlockgateError `invalid-query` where the pattern is none */
export function matcher({ type, name, value }: LabelMatcher): Matcher {
  const base = { type, name, value, prefix: '' }
  if (type === '=') return { ...base, values: new Set([value]), prefix: value, matches: other => other === value }
  if (type === '!=') return { ...base, values: undefined, matches: other => other !== value }
  const { values, prefix, matches } = known(value, `${name}${type}${JSON.stringify(value)}`)
  if (type === '=~') return { ...base, values, prefix, matches }
  return { ...base, values: undefined, matches: other => !matches(other) }
}

/** `{name="value", …}`, for messages. */
export function matcherText(matchers: readonly LabelMatcher[]): string {
  return `{${matchers.map(({ name, type, value }) => `${name}${type}${JSON.stringify(value)}`).join(', ')}}`
}

type Pattern = Pick<Matcher, 'values' | 'prefix' | 'matches'>

/** A pattern holds no state: all who ask for it have the same one. */
function known(text: string, what: string): Pattern {
  const found = kept.get(text) ?? pattern(text, what)
  if (text.length > MAX_KEPT) return found
  // The one that was used last is last.
  kept.delete(text)
  kept.set(text, found)
  if (kept.size > KEPT_PATTERNS) kept.delete(kept.keys().next().value as string)
  return found
}

function pattern(text: string, what: string): Pattern {
  const literals = alternatives(text)
  if (literals) {
    const values = new Set(literals)
    const prefix = values.size === 1 ? (literals[0] as string) : ''
    return { values: values.size <= MAX_VALUES ? values : undefined, prefix, matches: value => values.has(value) }
  }
  // A dot is any character here but a line feed, as in Prometheus 2; 3 has it match that, too.
  if (text === '.*') return { values: undefined, prefix: '', matches: value => !value.includes('\n') }
  if (text === '.+') return { values: undefined, prefix: '', matches: value => value !== '' && !value.includes('\n') }
  const [, prefix = '', tail] = /^([A-Za-z0-9_:/\- ]*)(\.[*+])?$/.exec(text) ?? []
  if (tail && prefix !== '') {
    const least = prefix.length + (tail === '.+' ? 1 : 0)
    const matches = (value: string) => value.startsWith(prefix) && value.length >= least && !value.includes('\n')
    return { values: undefined, prefix, matches }
  }
  const compiled = compile(text, what)
  const start = /^[A-Za-z0-9_:/\- ]+/.exec(text)?.[0] ?? ''
  // The last character of the start may be repeated or left out, and an alternative begins anew.
  const known = text.includes('|') ? '' : start.slice(0, /^[*?{]/.test(text.slice(start.length)) ? -1 : undefined)
  return { values: undefined, prefix: known, matches: value => compiled.matches(value) }
}

function compile(text: string, what: string): RE2JS {
  const size = sizeOf(text)
  if (size > MAX_SIZE) {
    // It is as long as a page: the begin tells which one it is.
    const of = what.length > MAX_SHOWN ? `${what.slice(0, MAX_SHOWN)}…` : what
    throw invalid(
      of,
      `be a shorter regular expression: its size must be <= ${MAX_SIZE} and is ${size}, repeats counted`,
    )
  }
  try {
    return RE2JS.compile(`^(?:${text})$`)
  } catch (error) {
    throw invalid(what, `be a regular expression of RE2: ${rawMessageOf(error)}`)
  }
}

function invalid(what: string, must: string): BlockgateError {
  return new BlockgateError(ErrorCode.invalidQuery, `${what} must ${must}`)
}
