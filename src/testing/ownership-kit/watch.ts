/** The cases of testOwnership() for plugins that have watch(). */
import type { OwnershipChange, OwnershipPlugin } from '../../ownership.ts'
import { within } from '../component-kit.ts'
import { type FakeHost, settle } from '../fake-host.ts'
import { assert, assertEqual, leaveOut, type Runner } from '../kit.ts'
import type { OwnershipKit } from './options.ts'

export function watchCases(runner: Runner, kit: OwnershipKit): void {
  const { it } = runner
  const { change } = kit

  it('watch() gives a Disposable, which can be disposed twice', async () => {
    await kit.started(async plugin => {
      const { watcher } = watching(plugin)
      watcher[Symbol.dispose]()
      watcher[Symbol.dispose]()
    })
  })

  it('a disposed watcher is not called any more', async () => {
    await kit.started(async (plugin, { host }) => {
      const { watcher, changes } = watching(plugin)
      watcher[Symbol.dispose]()
      const before = changes.length
      if (change) await within(host, change(plugin), 'change()')
      if ('advance' in host) await (host as FakeHost).advance(3_600_000)
      await settle()
      assertEqual(changes.length, before, 'no call after the disposal')
    })
  })

  if (!change) {
    leaveOut(runner, 'watch() tells of a change', 'no `change` was given')
    return
  }

  it('watch() tells every watcher of a change, after epoch() has moved', async () => {
    await kit.started(async (plugin, { host }) => {
      const seen: number[] = []
      const first = watching(plugin, () => seen.push(plugin.epoch()))
      const second = watching(plugin)
      const before = plugin.epoch()
      await within(host, change(plugin), 'change()')
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
