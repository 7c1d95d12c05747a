/** Options, and values of a message, as they may be shown: plain data, without secrets. */

const HIDDEN = '(hidden)'
/** Of a name: what it holds is not shown. Rather one too many than a password on a page. */
const SECRET = /secret|token|pass|credential|key|auth|cookie|signature|cert/i
/** Numbers under other secret names are sizes and counts, such as `tokens: 512`. */
const ALWAYS_SECRET = /secret|pass|credential/i
const MAX_DEPTH = 5
const MAX_ITEMS = 50
const MAX_TEXT = 300
const MAX_SHOWN = 120

/**
 * A copy of `value` that can be printed and sent: strings, numbers, booleans, lists and plain objects; what is undefined is
 * left out. Values under names such as `token` and the user part of URLs are hidden, functions are `function name`, a plugin
 * is its name and its options, and any other object is the name of its class: a client may hold anything.
 */
export function shownOptions(value: unknown): unknown {
  return masked(value, '', 0)
}

/** A value as a message quotes it: short, on one line. Nothing is shown of what stands at a `path` such as `credentials`. */
export function show(value: unknown, path = ''): string {
  if (SECRET.test(path)) return HIDDEN
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'number' || typeof value === 'bigint' || value === undefined) return String(value)
  const text = JSON.stringify(shownOptions(value)) ?? String(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}…` : text
}

function masked(value: unknown, name: string, depth: number): unknown {
  if (value === undefined || value === null || typeof value === 'boolean') return value
  if (SECRET.test(name) && (typeof value !== 'number' || ALWAYS_SECRET.test(name))) return HIDDEN
  if (typeof value === 'string') return text(value)
  if (typeof value === 'function') return value.name === '' ? 'function' : `function ${value.name}`
  if (typeof value !== 'object') return Number.isFinite(value) ? value : String(value)
  if (value instanceof Date) return value.toJSON() ?? 'Invalid Date'
  if (value instanceof RegExp || value instanceof URL) return text(String(value))
  if (depth >= MAX_DEPTH) return '…'
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map(item => masked(item, name, depth + 1) ?? null)
    return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items
  }
  const prototype = Object.getPrototypeOf(value)
  const entries = Object.entries(value)
  // An option may itself be a plugin: a ring's store, an `owned()` stage's ownership.
  if ('name' in value && typeof value.name === 'string' && entries.some(([, inner]) => typeof inner === 'function')) {
    const options = 'options' in value ? masked(value.options, '', depth + 1) : undefined
    return options === undefined ? value.name : { plugin: value.name, options }
  }
  if (prototype !== null && prototype !== Object.prototype) return `[${value.constructor?.name ?? 'object'}]`
  const shown = entries.map(([key, inner]) => [key, masked(inner, key, depth + 1)] as const)
  return Object.fromEntries(shown.filter(([, inner]) => inner !== undefined))
}

/** Up to the last `@` of a word: passwords that are not encoded as they should be hold `@` and `/`, too. */
function text(value: string): string {
  const shown = value
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, `$1${HIDDEN}@`)
    .replace(/([?&;]([^=&;\s]+)=)[^&;#\s]+/g, (all, start: string, name: string) =>
      SECRET.test(name) ? start + HIDDEN : all,
    )
  return shown.length > MAX_TEXT ? `${shown.slice(0, MAX_TEXT)}…` : shown
}
