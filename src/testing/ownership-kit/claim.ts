/** The cases of testOwnership() for epochs, claims and leases. */
import type { BlockMeta } from '../../contracts/block.ts'
import type { Host } from '../../contracts/host.ts'
import type { Claim, Lease, OwnershipPlugin } from '../../contracts/ownership.ts'
import { isKebab, within, withStarted } from '../component-kit.ts'
import { assert, assertEqual, leaveOut, type Runner } from '../kit.ts'
import type { OwnershipKit } from './options.ts'

export function claimCases(runner: Runner, kit: OwnershipKit, exclusive: boolean): void {
  const { it } = runner
  const metas = kit.blocks.map(block => block.meta)

  it('an epoch is a finite number that never goes down', async () => {
    await kit.started(async (plugin, { host }, change) => {
      const read = () => [plugin.epoch(), ...metas.map(meta => plugin.epoch(meta))]
      const first = read()
      const claims = await claimAll(plugin, host, metas.slice(0, 20))
      const second = read()
      for (const lease of granted(claims)) await giveBack(host, lease)
      await within(host, change(), 'change()')
      assertGrowing(first, second)
      assertGrowing(second, read())
    })
  })

  it('claims of many blocks at once are each granted or denied, and at least one is granted', async () => {
    await kit.started(async (plugin, { host }) => {
      const claims = await claimAll(plugin, host, metas)
      for (const claim of claims) assertClaim(claim)
      const leases = granted(claims)
      assert(leases.length > 0, `at least one of ${metas.length} blocks to be granted`)
      for (const lease of leases) await giveBack(host, lease)
    })
  })

  it('a granted lease is held, and can be disposed twice', async () => {
    await kit.started(async (plugin, { host }) => {
      for (const meta of metas.slice(0, 50)) {
        for (const lease of granted([await claim(plugin, host, meta)])) {
          assert(lease.signal.aborted === false, 'the signal of a lease just granted not to be aborted')
          lease.assertHeld()
          await giveBack(host, lease)
          await giveBack(host, lease)
        }
      }
    })
  })

  it('a block that was given back can be claimed again', async () => {
    await kit.started(async (plugin, { host }) => {
      for (const meta of metas.slice(0, 20)) {
        const first = await claim(plugin, host, meta)
        for (const lease of granted([first])) await giveBack(host, lease)
        const second = await claim(plugin, host, meta)
        for (const lease of granted([second])) await giveBack(host, lease)
        assertEqual(second.status, first.status, `the same answer for ${meta.ulid}, as nothing changed`)
      }
    })
  })

  it('a claim whose signal has aborted is rejected or answered, and never hangs', async () => {
    await kit.started(async (plugin, { host }) => {
      for (const meta of metas.slice(0, 20)) {
        // A rejection is as good as an answer here: the engine has given the block up.
        const answer = plugin.claim(meta, AbortSignal.abort()).catch(() => undefined)
        const claim = await within(host, answer, `claim() of ${meta.ulid} with an aborted signal`)
        if (claim) for (const lease of granted([claim])) await giveBack(host, lease)
      }
    })
  })

  if (!exclusive) {
    leaveOut(runner, 'two members never hold one block at once', 'the plugin is not exclusive')
    return
  }
  it('two members never hold one block at once', async () => {
    assert(kit.pair, '`pair` to be given, as the plugin says it is exclusive')
    const [a, b] = kit.pair()
    await withStarted(a, kit, async (first, { host }) => {
      const other = { id: 'test-2', zone: undefined }
      await withStarted(b, kit, (second, { host: theirs }) => rivals([first, host], [second, theirs], metas), other)
    })
  })
}

/** Both claim every block at once, and hold what they got until all have answered. */
async function rivals(a: [OwnershipPlugin, Host], b: [OwnershipPlugin, Host], metas: readonly BlockMeta[]) {
  const [mine, theirs] = await Promise.all([claimAll(...a, metas), claimAll(...b, metas)])
  for (const [i, meta] of metas.entries()) {
    const both = [mine[i], theirs[i]].filter(claim => claim?.status === 'granted' && !claim.lease.signal.aborted)
    assert(both.length < 2, `${meta.ulid} to be held by one member at most`)
  }
  const leases = [granted(mine), granted(theirs)] as const
  assert(leases[0].length + leases[1].length > 0, 'one of two members to be granted a block')
  for (const lease of leases[0]) await giveBack(a[1], lease)
  for (const lease of leases[1]) await giveBack(b[1], lease)
}

function claim(plugin: OwnershipPlugin, host: Host, meta: BlockMeta): Promise<Claim> {
  return within(host, plugin.claim(meta, new AbortController().signal), `claim() of ${meta.ulid}`)
}

function claimAll(plugin: OwnershipPlugin, host: Host, metas: readonly BlockMeta[]): Promise<readonly Claim[]> {
  const { signal } = new AbortController()
  return within(host, Promise.all(metas.map(meta => plugin.claim(meta, signal))), `claim() of ${metas.length} blocks`)
}

export function granted(claims: readonly Claim[]): readonly Lease[] {
  return claims.flatMap(claim => (claim.status === 'granted' ? [claim.lease] : []))
}

export function giveBack(host: Host, lease: Lease): Promise<void> {
  return within(host, (async () => lease[Symbol.asyncDispose]())(), 'the disposal of a lease')
}

function assertGrowing(before: readonly number[], after: readonly number[]): void {
  for (const [i, epoch] of after.entries()) {
    const least = before[i] ?? 0
    assert(Number.isFinite(epoch), `an epoch that is a finite number: current value is ${epoch}`)
    assert(epoch >= least, `an epoch of at least ${least}: current value is ${epoch}`)
  }
}

function assertClaim(claim: Claim): void {
  assert(Number.isFinite(claim.epoch), `the epoch of a claim to be a finite number: current value is ${claim.epoch}`)
  if (claim.status === 'granted') {
    const { lease } = claim
    assert(lease.signal instanceof AbortSignal, 'a granted lease to have a signal')
    assert(typeof lease.assertHeld === 'function', 'a granted lease to have assertHeld()')
    assert(typeof lease[Symbol.asyncDispose] === 'function', 'a granted lease to be disposable')
    assert(lease.fence === undefined || Number.isFinite(lease.fence), 'a fence to be a finite number or undefined')
    return
  }
  assertEqual(claim.status, 'denied', 'a claim to be granted or denied')
  assert(isKebab(claim.reason), `a kebab-case reason: current value is ${JSON.stringify(claim.reason)}`)
  const owners: unknown = claim.owners
  assert(Array.isArray(owners) && owners.every(id => typeof id === 'string'), 'owners to be a list of member ids')
}
