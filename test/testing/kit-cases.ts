/** Runs a kit's cases one by one, so that a test can say which of them fail. */
import type { Runner } from 'blockgate/testing'

export interface KitResult {
  readonly passed: readonly string[]
  /** Case name and message. */
  readonly failed: ReadonlyMap<string, string>
  readonly leftOut: readonly string[]
}

/** @example const { failed } = await kitResult(runner => testStage(runner, { name: 'broken', factory })) */
export async function kitResult(register: (runner: Runner) => void): Promise<KitResult> {
  const cases: (readonly [string, () => Promise<void> | void])[] = []
  register({ describe: (_, fn) => fn(), it: (name, fn) => void cases.push([name, fn]) })
  const passed: string[] = []
  const failed = new Map<string, string>()
  for (const [name, fn] of cases) {
    try {
      await fn()
      passed.push(name)
    } catch (error) {
      failed.set(name, error instanceof Error ? error.message : String(error))
    }
  }
  const leftOut = passed.filter(name => name.startsWith('left out: '))
  return { passed: passed.filter(name => !leftOut.includes(name)), failed, leftOut }
}
