/** Members and blocks for the tests of placement. */
import type { BlockId } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import type { AssignedMember } from '../../../../plugins/ownership/hash-ring/assignments.ts'

/** `gw-1` to `gw-<count>`, up and placed; with `zones`, in turn. */
export function gateways(count: number, zones: readonly string[] = []): readonly AssignedMember[] {
  return Array.from({ length: count }, (_, i) => gateway(`gw-${i + 1}`, { zone: zones[i % zones.length] }))
}

/** Up and placed; `given` replaces what it names. */
export function gateway(id: string, given: Partial<AssignedMember> = {}): AssignedMember {
  return { id, zone: undefined, state: 'active', placed: true, draining: false, ...given }
}

/** Blocks of one second each, with 48 random bits: as real ones, their first bytes are nearly the same. */
export function blocks(count: number): readonly BlockId[] {
  const { random } = fakeHost({ seed: 11 })
  return Array.from({ length: count }, (_, i) => testId(1_767_225_600_000 + i * 1000, Math.floor(random() * 2 ** 48)))
}

export function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const { random } = fakeHost({ seed })
  const left = [...items]
  return items.flatMap(() => left.splice(Math.floor(random() * left.length), 1))
}

/** How often each comes. */
export function counted(ids: Iterable<string | undefined>): ReadonlyMap<string | undefined, number> {
  const counts = new Map<string | undefined, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}
