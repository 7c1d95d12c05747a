/**
 * A runner's `{ describe, it }`, and assertions of our own, so that the conformance tests run under Vitest, `node:test` and Deno
 * from the same file.
 */

export interface Runner {
  describe(name: string, fn: () => void): void
  it(name: string, fn: () => Promise<void> | void): void
}

/** @throws Error where `condition` is false: `what` says what should have been */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`expected ${what}`)
}

/** Deep equality of plain data, Maps, Sets and byte arrays, by their printed form. */
export function assertEqual(actual: unknown, expected: unknown, what: string): void {
  const a = show(actual)
  const b = show(expected)
  if (a !== b) throw new Error(`expected ${what}\n  expected: ${b}\n  actual:   ${a}`)
}

/** @returns what was thrown */
export async function assertRejects(work: Promise<unknown> | (() => Promise<unknown>), what: string): Promise<unknown> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    return error
  }
  throw new Error(`expected ${what} to be rejected`)
}

/** What `make` gives. @throws Error that says by `name` which factory threw */
export function made<T>(make: () => T, name: string): T {
  try {
    return make()
  } catch (error) {
    const must = `${name} must not throw: a factory must never throw, check() reports what is wrong`
    throw new Error(`${must}: it threw ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** Registers a case that says in its name what was left out and why: nothing is skipped silently. */
export function leaveOut(runner: Runner, name: string, why: string): void {
  runner.it(`left out: ${name} (${why})`, () => {})
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => {
    if (v === undefined) return '(undefined)'
    if (typeof v === 'number' && !Number.isFinite(v)) return `(${v})`
    if (v instanceof Uint8Array) return { bytes: Array.from(v) }
    if (v instanceof Map) return { map: [...v] }
    if (v instanceof Set) return { set: [...v] }
    if (typeof v === 'object' && v !== null && !Array.isArray(v)) {
      return Object.fromEntries(Object.entries(v).sort(([x], [y]) => (x < y ? -1 : 1)))
    }
    return v
  })
}
