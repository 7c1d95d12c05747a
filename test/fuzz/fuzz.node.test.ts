// Bytes of a bucket and of a client are not trusted: whatever they are, what reads them ends with the right answer or an error that
// says what is wrong, and asks for no more memory than an answer needs. `npm run fuzz` runs more of the same cases.
import { expect, it } from 'vitest'
import { snappy } from '../../src/runtime/snappy.ts'
import { watchAllocations } from './allocations.ts'
import { runCase, Seen } from './cases.ts'
import { targets } from './targets.ts'
import { worlds } from './worlds.ts'

const CASES = 2_000

it('damaged bytes end with a right answer, or an error that says what is wrong', async () => {
  const all = targets(await worlds(20, 1), snappy)
  const seen = new Seen()
  using allocations = watchAllocations()
  for (let number = 0; number < CASES; number++) seen.add(await runCase(all, number, allocations))
  // Damage that nothing notices tests nothing, and neither does damage that nothing survives.
  for (const { name } of all) {
    const { refused, answered } = seen.of(name)
    expect(refused, `${name} refused: ${seen.lines().join('\n')}`).toBeGreaterThan(10)
    expect(answered, `${name} answered: ${seen.lines().join('\n')}`).toBeGreaterThan(2)
  }
})
