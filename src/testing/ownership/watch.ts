/** Cases of plugins that have watch(). */
import { assert, assertEqual } from '../assert.ts'
import { isFake } from '../component.ts'
import { settle } from '../fake-host.ts'
import type { Changed, OwnershipIt } from './subject.ts'

export function watchCases(it: OwnershipIt): void {
  it('watch() gives a Disposable, which can be disposed twice', async s => {
    const { watcher } = s.watch()
    watcher[Symbol.dispose]()
    watcher[Symbol.dispose]()
  })

  it('a disposed watcher is not called any more', async s => {
    const { watcher, changes } = s.watch()
    watcher[Symbol.dispose]()
    const before = changes.length
    await s.change()
    const { host } = s.services
    if (isFake(host)) await host.advance(600_000)
    await settle()
    assertEqual(changes.length, before, 'no call after the disposal')
  })
}

/** For plugins whose answers the test can change. */
export function changeCases(it: OwnershipIt): void {
  it('watch() tells every watcher of a change, after epoch() has moved', async s => {
    const seen: number[] = []
    const first = s.watch(() => seen.push(s.plugin.epoch()))
    const second = s.watch()
    const before = s.plugin.epoch()
    await s.change()
    for (const { changes, watcher } of [first, second]) {
      assert(changes.length > 0, 'the watcher to be called after change()')
      for (const change of changes) {
        const { epoch } = change
        assert(Number.isFinite(epoch), `the epoch of a change to be a finite number: current value is ${epoch}`)
        for (const meta of s.metas.slice(0, 20)) {
          assert(typeof change.affects(meta) === 'boolean', `affects() to say true or false for ${meta.ulid}`)
        }
      }
      watcher[Symbol.dispose]()
    }
    assert(Math.max(...seen) >= before, `epoch() to be at least ${before} when a watcher is called`)
    for (const [i, told] of first.changes.entries()) {
      assert((seen[i] ?? 0) >= told.epoch, `epoch() to be at least ${told.epoch} when its change is told`)
    }
  })

  it('change() changes the claim of a block, and affects() is true for each whose claim it changed', async s => {
    const changed = (await s.changed()).filter(({ was, is }) => was !== is)
    assert(changed.length > 0, `change() to change the claim of at least one of ${s.metas.length} blocks`)
    for (const { meta, was, is, affected } of changed) {
      assert(affected, `affects() to be true for ${meta.ulid}: its claim was ${was}, and is ${is}`)
    }
  })

  it('the epoch of a block is larger after its claim has changed', async s => {
    for (const { meta, from, to } of moved(await s.changed())) {
      assert(to > from, `epoch() of ${meta.ulid} to be larger than ${from}: current value is ${to}`)
    }
  })

  it('the epoch of a block has moved when a watcher is told of its change, and not only after that', async s => {
    for (const { meta, to, told = to } of moved(await s.changed())) {
      assert(told >= to, `epoch() of ${meta.ulid} to be ${to} when its change is told: current value is ${told}`)
    }
  })
}

/** The blocks that came or went. No epoch moves when ownership becomes unknown. */
function moved(blocks: readonly Changed[]): readonly Changed[] {
  return blocks.filter(({ was, is }) => was !== is && was !== 'unavailable' && is !== 'unavailable')
}
