import { describe, expect, it } from 'vitest'
import { brokenFor } from '../simulation/broken.ts'
import { PLUGINS, placed } from '../simulation/plugins.ts'
import { simulate } from '../simulation/simulate.ts'
import { SOUND } from '../simulation/world.ts'

type Caught = readonly [seed: number, invariant: string]

/**
 * Where `npm run sim -- --broken all` catches each, and by what. Any change of the code moves what happens at a seed,
 * so the search goes on from here for a while; `--broken all` counts from 1.
 */
const CAUGHT: Readonly<Record<string, Readonly<Record<string, Caught>>>> = {
  ring: {
    'a-look-taken-for-everything': [6, 'I4'],
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
    'warm-counted-as-loaded': [1, 'W1'],
    'warm-committed-without-verify': [1, 'W2'],
    'warm-over-budget': [1, 'W3'],
  },
  redlock: {
    'a-look-taken-for-everything': [3, 'I4'],
    'release-in-two-steps': [40, 'I1'],
    'release-by-epoch-alone': [1, 'I1'],
    'drop-on-losing-ownership': [1, 'I1'],
    'one-active-owner-is-enough': [1, 'I1'],
    'stop-without-clearing-claims': [1, 'true-claim'],
    'publish-with-blocks-being-dropped': [2, 'true-claim'],
    'no-sequence-check': [37, 'true-claim'],
    'no-store-id-check': [37, 'true-claim'],
    'linger-limit-that-drops': [2, 'I1'],
    'two-processes-with-one-id': [10, 'true-claim'],
    'dedup-without-superseded-by': [1, 'I4'],
    'hold-with-any-fence': [2, 'L1'],
    'guard-not-compared': [16, 'L5'],
    'locks-that-exclude-nobody': [2, 'L4'],
    'lock-not-checked-after-a-pause': [2, 'L4'],
    'grant-used-after-its-ttl': [3, 'L4'],
    'records-since-a-version-that-went-back': [2, 'L7'],
    'one-lost-of-several-counts-as-kept': [10, 'L8'],
    'rivals-do-not-wait-for-the-grace': [1, 'L4'],
    'warm-counted-as-loaded': [1, 'W1'],
    'warm-committed-without-verify': [1, 'W2'],
    'warm-over-budget': [1, 'W3'],
  },
  balanced: {
    'placement-applied-before-it-is-published': [1, 'I6'],
    'stale-placement-kept-after-an-epoch': [1, 'P1'],
    'name-of-a-member-that-is-gone': [12, 'P1'],
  },
}
const SEARCHED = 60

describe.each([...PLUGINS, placed].map(plugin => [plugin.name, plugin] as const))(
  'the protocol under %s',
  (pluginName, plugin) => {
    const variants = brokenFor(plugin)
    const caught = CAUGHT[pluginName] ?? {}

    it('is known to be caught wherever one of its rules is taken out', () => {
      expect(variants.map(variant => variant.name)).toEqual(Object.keys(caught))
    })

    it.each(variants.map(variant => [variant.name, variant] as const))(
      'is caught with one rule taken out: %s',
      async (name, variant) => {
        const [from, invariant] = caught[name] ?? [1, '']
        let seed = from
        let verdict = await simulate(seed, plugin, variant)
        while (verdict.violation?.invariant !== invariant && seed < from + SEARCHED)
          verdict = await simulate(++seed, plugin, variant)
        expect(verdict.violation?.invariant, `seeds ${from} to ${seed}`).toBe(invariant)
        // Without the change the same history is fine: it is the change that was caught.
        const sound = variant.world ? { ...SOUND, world: variant.world } : SOUND
        expect((await simulate(seed, plugin, sound)).violation).toBeUndefined()
      },
    )
  },
)
