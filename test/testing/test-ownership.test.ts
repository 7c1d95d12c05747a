import {
  type Claim,
  type Handover,
  held,
  type Lease,
  type OwnershipChange,
  type OwnershipPlugin,
  OwnershipUnavailable,
} from 'blockgate'
import { type OwnershipKitOptions, sampleBlocks, testOwnership } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { kitResult } from './kit-cases.ts'
import { ToyCluster, toyLock, toyRing } from './toy-ring.ts'

const run = (options: Partial<OwnershipKitOptions>) =>
  kitResult(runner => testOwnership(runner, { name: 'toy', factory: () => toyRing(), ...options }))
const failures = async (options: Partial<OwnershipKitOptions>) => [...(await run(options)).failed.keys()]
const ring = (change: Partial<OwnershipPlugin>) => failures({ factory: () => ({ ...toyRing(), ...change }) })
const granting = (lease: Partial<Lease>) =>
  ring({ claim: async (): Promise<Claim> => ({ status: 'granted', epoch: 0, lease: { ...held, ...lease } }) })
const answering = (claim: unknown) => ring({ claim: async () => claim as Claim })
const handover = (change: (mine: Handover) => Partial<Handover>) =>
  failures({
    factory: () => {
      const plugin = toyRing()
      const mine = plugin.handover as Handover
      return { ...plugin, handover: { ...mine, ...change(mine) } }
    },
  })

const MANY = 'claims of many blocks at once are each granted or denied, and at least one is granted'
const HELD = 'a granted lease is held, and can be disposed twice'
const EPOCH = 'an epoch is a finite number that never goes down'
const RIVALS = 'two members never hold one block at once'
const OWNERS = 'owners() answers at once, the same twice, and moves no epoch'
const CHANGED = 'change() changes the claim of a block, and affects() is true for each whose claim it changed'
const GROWS = 'the epoch of a block is larger after its claim has changed'
const FIRST = 'the epoch of a block has moved when a watcher is told of its change, and not only after that'
const MEMBERS = 'members() knows this member, with a known state'

/** A ring whose cluster the change() of the kit can reach. */
function changing(make: (cluster: ToyCluster) => OwnershipPlugin): Partial<OwnershipKitOptions> {
  const clusters = new WeakMap<object, ToyCluster>()
  return {
    factory() {
      const cluster = new ToyCluster()
      const plugin = make(cluster)
      clusters.set(plugin, cluster)
      return plugin
    },
    change: async plugin => clusters.get(plugin)?.change(),
  }
}

describe('testOwnership', () => {
  it('passes a plugin that keeps the contract, and says what it left out', async () => {
    const { passed, failed, leftOut } = await run({})
    expect([...failed]).toEqual([])
    expect(passed.length).toBeGreaterThan(15)
    expect(leftOut).toEqual([
      'left out: check() reports what is wrong (no `invalid` was given)',
      'left out: two members never hold one block at once (the plugin is not exclusive)',
      'left out: watch() tells of a change (no `change` was given)',
    ])
  })

  it('passes a function and an object alike, and leaves out what they have not', async () => {
    const mine = (block: { readonly minTime: number }) => block.minTime % 14_400_000 === 0
    for (const factory of [() => mine, () => ({ ...toyLock(), exclusive: false, name: 'mine' })]) {
      const { failed, leftOut } = await run({ factory })
      expect([...failed]).toEqual([])
      expect(leftOut).toContain('left out: watch() (the plugin has none)')
      expect(leftOut).toContain('left out: handover (the plugin has none)')
    }
  })

  it('passes an exclusive plugin of which two members are given', async () => {
    const pair = () => {
      const cluster = new ToyCluster()
      return [toyLock(cluster), toyLock(cluster)] as const
    }
    const { failed, passed } = await run({ factory: () => toyLock(), pair })
    expect([...failed]).toEqual([])
    expect(passed).toContain(RIVALS)
  })

  it('catches an exclusive plugin whose members do not know of each other, or of which no pair is given', async () => {
    expect(await failures({ factory: () => toyLock(), pair: () => [toyLock(), toyLock()] })).toEqual([RIVALS])
    expect(await failures({ factory: () => toyLock() })).toEqual([RIVALS])
  })

  it('catches an epoch that goes down, or is no number', async () => {
    let epoch = 1e9
    expect(await failures({ factory: () => ({ ...toyLock(), exclusive: false, epoch: () => epoch-- }) })).toEqual([
      EPOCH,
    ])
    const nan = await failures({ factory: () => ({ ...toyLock(), exclusive: false, epoch: () => Number.NaN }) })
    expect(nan).toEqual([EPOCH])
  })

  it('catches an epoch that goes down at a change', async () => {
    const options = changing(cluster => {
      cluster.epoch = 1000
      return { ...toyRing(cluster), epoch: () => 2000 - cluster.epoch }
    })
    expect(await failures(options)).toContain(EPOCH)
  })

  it('catches a claim that is neither granted nor denied, or has no epoch', async () => {
    expect(await answering({ status: 'maybe', epoch: 0 })).toContain(MANY)
    expect(await answering({ status: 'granted', lease: held })).toEqual([MANY])
  })

  it('catches a denial without owners, or with a reason that is not kebab-case', async () => {
    const mostly = (denied: object) => {
      let calls = 0
      return ring({
        claim: async () =>
          (calls++ % 50 === 0
            ? { status: 'granted', epoch: 0, lease: held }
            : { status: 'denied', ...denied }) as Claim,
      })
    }
    expect(await mostly({ epoch: 0, reason: 'not-owner' })).toContain(MANY)
    expect(await mostly({ epoch: 0, reason: 'Not mine!', owners: [] })).toContain(MANY)
    expect(await mostly({ epoch: 0, reason: 'not-owner', owners: [] })).not.toContain(MANY)
  })

  it('catches a plugin that grants nothing', async () => {
    expect(await answering({ status: 'denied', epoch: 0, reason: 'not-owner', owners: [] })).toEqual([MANY])
  })

  it('catches a lease that is lost from the start', async () => {
    expect(await granting({ signal: AbortSignal.abort() })).toEqual([HELD])
    const assertHeld = () => {
      throw new Error('lost')
    }
    expect(await granting({ assertHeld })).toEqual([HELD])
  })

  it('catches a lease that can be disposed once only', async () => {
    const claim = async (): Promise<Claim> => {
      let gone = false
      const dispose = async () => {
        if (gone) throw new Error('gone already')
        gone = true
      }
      return { status: 'granted', epoch: 0, lease: { ...held, [Symbol.asyncDispose]: dispose } }
    }
    expect(await ring({ claim })).toEqual([HELD])
  })

  it('catches a lease that is never given back', async () => {
    const factory = () => {
      const plugin = toyLock()
      const claim: OwnershipPlugin['claim'] = async (block, signal) => {
        const answer = await plugin.claim(block, signal)
        return answer.status === 'granted' ? { ...answer, lease: { ...answer.lease, ...held } } : answer
      }
      return { ...plugin, exclusive: false, claim }
    }
    expect(await failures({ factory })).toEqual(['a block that was given back can be claimed again'])
  })

  it('catches a claim that hangs once its signal has aborted', async () => {
    const { claim } = toyRing()
    const failed = await ring({ claim: (b, signal) => (signal.aborted ? new Promise(() => {}) : claim(b, signal)) })
    expect(failed).toEqual(['a claim whose signal has aborted is rejected or answered, and never hangs'])
  })

  it('catches a heartbeat that outlives stop()', async () => {
    const failed = await failures({ factory: () => ({ ...toyRing(), stop: async () => {} }) })
    expect(failed).toEqual(['nothing ticks after stop'])
  })

  it('passes a ring whose changes reach every watcher', async () => {
    const { failed, passed } = await run(changing(cluster => toyRing(cluster)))
    expect([...failed]).toEqual([])
    expect(passed).toContain('watch() tells every watcher of a change, after epoch() has moved')
    expect(passed).toContain(CHANGED)
  })

  it('catches a change that says it affects no block whose claim it changed, or that leaves one out', async () => {
    const affecting = (affects: OwnershipChange['affects']) => (cluster: ToyCluster) => {
      const watch: OwnershipPlugin['watch'] = listener => {
        const mine = ({ epoch }: OwnershipChange) => listener({ epoch, affects })
        cluster.listeners.add(mine)
        return { [Symbol.dispose]: () => void cluster.listeners.delete(mine) }
      }
      return { ...toyRing(cluster), watch }
    }
    const { failed } = await run(changing(affecting(() => false)))
    expect([...failed.keys()]).toEqual([CHANGED])
    expect(failed.get(CHANGED)).toMatch(
      /^expected affects\(\) to be true for [0-9A-Z]{26}: its claim was \w+, and is \w+$/,
    )
    const last = sampleBlocks(200).at(-1)?.meta.ulid
    expect(await failures(changing(affecting(block => block.ulid !== last)))).toEqual([CHANGED])
  })

  it('catches a change() that changes no claim', async () => {
    const { claim } = toyRing()
    const { failed } = await run(changing(cluster => ({ ...toyRing(cluster), claim })))
    expect([...failed]).toEqual([[CHANGED, 'expected change() to change the claim of at least one of 200 blocks']])
  })

  it('gives change() what the factory gave, without a cast, and counts not knowing as an answer', async () => {
    const forgetful = () => {
      const cluster = new ToyCluster()
      const plugin = toyRing(cluster)
      let knows = true
      const claim: OwnershipPlugin['claim'] = async (block, signal) => {
        if (!knows) throw new OwnershipUnavailable('the store is away')
        return plugin.claim(block, signal)
      }
      const forget = () => {
        knows = false
        cluster.change()
      }
      return { ...plugin, claim, forget }
    }
    const { failed, passed } = await kitResult(runner =>
      testOwnership(runner, { name: 'toy', factory: forgetful, change: async plugin => plugin.forget() }),
    )
    expect([...failed]).toEqual([])
    expect(passed).toContain(CHANGED)
  })

  it('gives change() a function as it is', async () => {
    const mine = () => true
    const given: unknown[] = []
    const change = async (ownership: typeof mine) => void given.push(ownership)
    await kitResult(runner => testOwnership(runner, { name: 'toy', factory: () => mine, change }))
    expect(given).toEqual([mine])
  })

  it('names the factory that threw, and says that none may', async () => {
    const broken = () => {
      throw new Error('no clusters')
    }
    const message = (name: string) =>
      `${name} must not throw: a factory must never throw, check() reports what is wrong: it threw no clusters`
    const wrong = () => ({ ...toyRing(), check: () => [{ path: 'a', must: 'be given', value: undefined }] })
    const { failed } = await run({ invalid: [wrong, broken] })
    expect([...failed.values()]).toEqual([message('invalid[1]')])
    expect([...(await run({ factory: () => toyLock(), pair: broken })).failed]).toEqual([[RIVALS, message('pair')]])
    await expect(run({ factory: broken })).rejects.toThrow(message('factory'))
  })

  it('catches a watcher that is called after its disposal', async () => {
    const deaf = (cluster: ToyCluster): OwnershipPlugin => ({
      ...toyRing(cluster),
      watch(listener) {
        cluster.listeners.add(listener)
        return { [Symbol.dispose]() {} }
      },
    })
    expect(await failures(changing(deaf))).toEqual(['a disposed watcher is not called any more'])
  })

  it('catches a change that is told to one watcher only, or before the epoch moved', async () => {
    const name = 'watch() tells every watcher of a change, after epoch() has moved'
    const one = (cluster: ToyCluster): OwnershipPlugin => ({
      ...toyRing(cluster),
      watch(listener) {
        cluster.listeners.clear()
        cluster.listeners.add(listener)
        return { [Symbol.dispose]: () => void cluster.listeners.delete(listener) }
      },
    })
    const early = (cluster: ToyCluster): OwnershipPlugin => ({ ...toyRing(cluster), epoch: () => 0 })
    expect(await failures(changing(one))).toEqual([name])
    expect(await failures(changing(early))).toEqual([name, GROWS])
  })

  it('catches an epoch that never grows, also where the changes tell the same one', async () => {
    const still = (cluster: ToyCluster): OwnershipPlugin => ({
      ...toyRing(cluster),
      epoch: () => 7,
      watch: listener => toyRing(cluster).watch?.(change => listener({ ...change, epoch: 7 })) as Disposable,
    })
    const { failed } = await run(changing(still))
    expect([...failed.keys()]).toEqual([GROWS])
    expect(failed.get(GROWS)).toMatch(/^expected epoch\(\) of \w{26} to be larger than 7: current value is 7$/)
  })

  it('catches an epoch that grows only after the watchers were told', async () => {
    const late = (cluster: ToyCluster): OwnershipPlugin => {
      let epoch = cluster.epoch
      const told = (listener: (change: OwnershipChange) => void) => (change: OwnershipChange) => {
        listener({ ...change, epoch })
        epoch = change.epoch
      }
      return {
        ...toyRing(cluster),
        epoch: () => epoch,
        watch: listener => toyRing(cluster).watch?.(told(listener)) as Disposable,
      }
    }
    const { failed } = await run(changing(late))
    expect([...failed.keys()]).toEqual([FIRST])
    expect(failed.get(FIRST)).toMatch(
      /^expected epoch\(\) of \w{26} to be 1 when its change is told: current value is 0$/,
    )
  })

  it('catches a watch() that gives nothing to dispose', async () => {
    const failed = await ring({ watch: () => ({}) as Disposable })
    expect(failed).toContain('watch() gives a Disposable, which can be disposed twice')
  })

  it('catches owners() that are a promise, differ from call to call, or name a member twice', async () => {
    expect(await handover(mine => ({ owners: (async (b: never) => mine.owners(b)) as never }))).toContain(OWNERS)
    let rank = 0
    expect(await handover(mine => ({ owners: b => mine.owners(b).map(o => ({ ...o, rank: rank++ })) }))).toEqual([
      OWNERS,
    ])
    expect(await handover(mine => ({ owners: b => [...mine.owners(b), ...mine.owners(b)] }))).toEqual([OWNERS])
  })

  it('catches owners() that move the epoch', async () => {
    const failed = await failures(
      changing(cluster => {
        const plugin = toyRing(cluster)
        const mine = plugin.handover as Handover
        const owners: Handover['owners'] = block => {
          cluster.epoch++
          return mine.owners(block)
        }
        return { ...plugin, handover: { ...mine, owners } }
      }),
    )
    expect(failed).toEqual([OWNERS])
  })

  it('catches members() that do not know the member itself, or a state that is unknown', async () => {
    expect(await handover(() => ({ members: () => [] }))).toEqual([MEMBERS])
    const joining = (mine: Handover) => mine.members().map(m => ({ ...m, state: 'joining' as 'active' }))
    expect(await handover(mine => ({ members: () => joining(mine) }))).toEqual([MEMBERS])
  })

  it('catches publish() or serve() that want something in their sets', async () => {
    const refuse = async () => {
      throw new Error('nothing to do')
    }
    const name = 'publish() and serve() take empty sets'
    expect(await handover(() => ({ serve: refuse }))).toEqual([name])
    expect(await handover(() => ({ publish: refuse }))).toContain(name)
  })

  it('catches the release of a block that this member is a target of', async () => {
    const failed = await handover(() => ({ release: async () => 'released' }))
    expect(failed).toEqual(['a block that this member is a target of is not released'])
  })
})
