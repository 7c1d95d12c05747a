import { expect, it } from 'vitest'
import { BROKEN } from './broken.ts'
import { simulate } from './simulate.ts'

/**
 * Where `npm run sim -- --broken all` catches each, and by what. Any change of the code moves what happens at a seed,
 * so the search goes on from here for a while; `--broken all` counts from 1.
 */
const CAUGHT: Readonly<Record<string, readonly [seed: number, invariant: string]>> = {
  'release-in-two-steps': [10, 'I1'],
  'release-by-epoch-alone': [1, 'I1'],
  'drop-on-losing-ownership': [1, 'I1'],
  'one-active-owner-is-enough': [1, 'I1'],
  'stop-without-clearing-claims': [1, 'true-claim'],
  'publish-with-blocks-being-dropped': [1, 'true-claim'],
  'no-sequence-check': [16, 'true-claim'],
  'no-store-id-check': [1, 'true-claim'],
  'linger-limit-that-drops': [2, 'I1'],
  'two-processes-with-one-id': [16, 'true-claim'],
  'dedup-without-superseded-by': [1, 'I4'],
}
const SEARCHED = 60

it('knows where each broken variant is caught', () => {
  expect(BROKEN.map(variant => variant.name)).toEqual(Object.keys(CAUGHT))
})

it.each(BROKEN.map(variant => [variant.name, variant] as const))(
  'catches the protocol with one rule taken out: %s',
  async (name, variant) => {
    const [from, invariant] = CAUGHT[name] ?? [1, '']
    let seed = from
    let verdict = await simulate(seed, variant)
    while (!verdict.violation && seed < from + SEARCHED) verdict = await simulate(++seed, variant)
    expect(verdict.violation?.invariant, `seeds ${from} to ${seed}`).toBe(invariant)
    // Without the change the same history is fine: it is the change that was caught.
    expect((await simulate(seed)).violation).toBeUndefined()
  },
  120_000,
)
