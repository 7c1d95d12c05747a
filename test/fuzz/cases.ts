/** Cases by their numbers: the same number is the same case. */
import type { Allocations } from './allocations.ts'
import { chance } from './chance.ts'
import type { Outcome, Target } from './outcome.ts'

/** All buffers of one case may not take more, bytes. */
export const MAX_ALLOCATION = 256 * 1024 * 1024

export interface CaseResult {
  readonly target: string
  readonly outcome: Outcome
}

/** @throws Error that says which case it was, and what is wrong */
export async function runCase(
  targets: readonly Target[],
  number: number,
  allocations: Pick<Allocations, 'bytes' | 'reset'>,
): Promise<CaseResult> {
  const target = targets[number % targets.length] as Target
  allocations.reset()
  try {
    const outcome = await target.run(chance(Math.imul(number, 0x9e3779b1)))
    if (allocations.bytes > MAX_ALLOCATION)
      throw new Error(`buffers must take <= ${MAX_ALLOCATION} bytes: they take ${allocations.bytes}`)
    return { target: target.name, outcome }
  } catch (error) {
    throw new Error(`case ${number} (${target.name}), npm run fuzz -- --only ${number}: ${error}`, { cause: error })
  }
}

/** Counts what came of the cases. */
export class Seen {
  readonly #counts = new Map<string, Map<Outcome, number>>()

  add({ target, outcome }: CaseResult): void {
    const outcomes = this.#counts.get(target) ?? new Map<Outcome, number>()
    this.#counts.set(target, outcomes)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }

  /** Cases of the target that were refused, and those that were answered. */
  of(target: string): { readonly refused: number; readonly answered: number } {
    const outcomes = [...(this.#counts.get(target) ?? [])]
    const sum = (isRefused: boolean) =>
      outcomes.reduce((all, [outcome, count]) => (outcome.startsWith('refused') === isRefused ? all + count : all), 0)
    return { refused: sum(true), answered: sum(false) }
  }

  lines(): readonly string[] {
    return [...this.#counts].map(([target, outcomes]) => {
      const parts = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${outcome} ${count}`)
      return `${target}: ${parts.join(', ')}`
    })
  }
}
