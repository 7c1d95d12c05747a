/** The cases of testOwnership() for plugins that have watch(). */
import type { BlockMeta } from '../../contracts/block.ts'
import { isOwnershipUnavailable } from '../../contracts/errors.ts'
import type { Host } from '../../contracts/host.ts'
import type { OwnershipChange, OwnershipPlugin } from '../../contracts/ownership.ts'
import { within } from '../component-kit.ts'
import { type FakeHost, settle } from '../fake-host.ts'
import { assert, assertEqual, leaveOut, type Runner } from '../kit.ts'
import { giveBack, granted } from './claim.ts'
import type { OwnershipKit } from './options.ts'

export function watchCases(runner: Runner, kit: OwnershipKit): void {
  const { it } = runner
  const metas = kit.blocks.map(block => block.meta)

  it('watch() gives a Disposable, which can be disposed twice', async () => {
    await kit.started(async plugin => {
      const { watcher } = watching(plugin)
      watcher[Symbol.dispose]()
      watcher[Symbol.dispose]()
    })
  })

  it('a disposed watcher is not called any more', async () => {
    await kit.started(async (plugin, { host }, change) => {
      const { watcher, changes } = watching(plugin)
      watcher[Symbol.dispose]()
      const before = changes.length
      await within(host, change(), 'change()')
      if ('advance' in host) await (host as FakeHost).advance(600_000)
      await settle()
      assertEqual(changes.length, before, 'no call after the disposal')
    })
  })

  if (!kit.changes) {
    leaveOut(runner, 'watch() tells of a change', 'no `change` was given')
    return
  }

  it('watch() tells every watcher of a change, after epoch() has moved', async () => {
    await kit.started(async (plugin, { host }, change) => {
      const seen: number[] = []
      const first = watching(plugin, () => seen.push(plugin.epoch()))
      const second = watching(plugin)
      const before = plugin.epoch()
      await within(host, change(), 'change()')
      await settle()
      for (const { changes } of [first, second]) {
        assert(changes.length > 0, 'the watcher to be called after change()')
        for (const told of changes) assertChange(told, kit)
      }
      assert(Math.max(...seen) >= before, `epoch() to be at least ${before} when a watcher is called`)
      for (const [i, told] of first.changes.entries()) {
        assert((seen[i] ?? 0) >= told.epoch, `epoch() to be at least ${told.epoch} when its change is told`)
      }
      first.watcher[Symbol.dispose]()
      second.watcher[Symbol.dispose]()
    })
  })

  it('change() changes the claim of a block, and affects() is true for each whose claim it changed', async () => {
    await kit.started(async (plugin, { host }, change) => {
      const { watcher, changes } = watching(plugin)
      const before = await answers(plugin, host, metas)
      const told = changes.length
      await within(host, change(), 'change()')
      await settle()
      const delivered = changes.slice(told)
      const after = await answers(plugin, host, metas)
      const changed = metas.flatMap((meta, i) => (before[i] === after[i] ? [] : [{ meta, i }]))
      assert(changed.length > 0, `change() to change the claim of at least one of ${metas.length} blocks`)
      for (const { meta, i } of changed) {
        const was = `its claim was ${before[i]}, and is ${after[i]}`
        assert(
          delivered.some(event => event.affects(meta)),
          `affects() to be true for ${meta.ulid}: ${was}`,
        )
      }
      watcher[Symbol.dispose]()
    })
  })

  it('the epoch of a block is larger after its claim has changed', async () => {
    await kit.started(async (plugin, { host }, change) => {
      const { watcher } = watching(plugin)
      for (const { meta, before, after } of await moved(plugin, host, change, metas)) {
        assert(after > before, `epoch() of ${meta.ulid} to be larger than ${before}: current value is ${after}`)
      }
      watcher[Symbol.dispose]()
    })
  })

  it('the epoch of a block has moved when a watcher is told of its change, and not only after that', async () => {
    await kit.started(async (plugin, { host }, change) => {
      const seen: number[][] = []
      const { watcher, changes } = watching(plugin, () => seen.push(metas.map(meta => plugin.epoch(meta))))
      for (const { meta, i, after } of await moved(plugin, host, change, metas)) {
        const last = changes.findLastIndex(event => event.affects(meta))
        const told = seen[last]?.[i] ?? after
        assert(
          told >= after,
          `epoch() of ${meta.ulid} to be ${after} when its change is told: current value is ${told}`,
        )
      }
      watcher[Symbol.dispose]()
    })
  })
}

/**
 * The blocks of which change() changed whose they are, with their epochs before and after. That it is not known whose a block
 * is moves no epoch.
 */
async function moved(plugin: OwnershipPlugin, host: Host, change: () => Promise<void>, metas: readonly BlockMeta[]) {
  const known = (answer: string | undefined) => answer === 'granted' || answer === 'denied'
  const epochs = () => metas.map(meta => plugin.epoch(meta))
  const [was, from] = [await answers(plugin, host, metas), epochs()]
  await within(host, change(), 'change()')
  await settle()
  const [is, to] = [await answers(plugin, host, metas), epochs()]
  return metas.flatMap((meta, i) => {
    const isMoved = was[i] !== is[i] && known(was[i]) && known(is[i])
    return isMoved ? [{ meta, i, before: from[i] ?? 0, after: to[i] ?? 0 }] : []
  })
}

/** How each block's claim is answered; not knowing is the third answer. What is granted is given back. */
async function answers(plugin: OwnershipPlugin, host: Host, metas: readonly BlockMeta[]): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const ask = async (meta: BlockMeta) => {
    try {
      return await plugin.claim(meta, signal)
    } catch (error) {
      if (isOwnershipUnavailable(error)) return undefined
      throw error
    }
  }
  const claims = await within(host, Promise.all(metas.map(ask)), `claim() of ${metas.length} blocks`)
  for (const lease of granted(claims.filter(claim => claim !== undefined))) await giveBack(host, lease)
  return claims.map(claim => claim?.status ?? 'unavailable')
}

function watching(
  plugin: OwnershipPlugin,
  told: () => void = () => {},
): { readonly watcher: Disposable; readonly changes: readonly OwnershipChange[] } {
  const changes: OwnershipChange[] = []
  const watcher = plugin.watch?.(change => {
    changes.push(change)
    told()
  })
  assert(watcher && typeof watcher[Symbol.dispose] === 'function', 'watch() to give a Disposable')
  return { watcher, changes }
}

function assertChange(change: OwnershipChange, kit: OwnershipKit): void {
  assert(Number.isFinite(change.epoch), `the epoch of a change to be a finite number: current value is ${change.epoch}`)
  for (const { meta } of kit.blocks.slice(0, 20)) {
    assert(typeof change.affects(meta) === 'boolean', `affects() to say true or false for ${meta.ulid}`)
  }
}
