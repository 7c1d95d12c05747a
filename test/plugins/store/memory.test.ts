import { codeOf, type Host } from 'blockgate'
import type { MemberStore } from 'blockgate/members'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { fakeHost, services, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { testMemberStore } from './contract/index.ts'

const { signal } = new AbortController()

async function started(host: Host) {
  const store = memoryStore()
  await store.start?.(services({ host }))
  return { store, dispose: () => store.stop?.(signal) }
}

testMemberStore('memoryStore() with a clock that is moved', async () => {
  const host = fakeHost()
  return { ...(await started(host)), advance: ms => host.advance(ms) }
})

testMemberStore('memoryStore() with a clock that runs', () => {
  let now = 1_767_225_600_000
  return started({ ...fakeHost(), now: () => (now += 0.3) })
})

testMemberStore('a store without slots', async () => {
  const host = fakeHost()
  const { store, dispose } = await started(host)
  const { fence: _, hold: __, slots: ___, ...plain } = store
  const withoutSlots: MemberStore = {
    ...plain,
    release: (stamp, request) =>
      plain.release(stamp, { ...request, items: request.items.filter(item => item.precondition === undefined) }),
  }
  return { store: withoutSlots, advance: ms => host.advance(ms), dispose }
})

describe('memoryStore()', () => {
  it('is named as its folder, and says that other processes cannot reach it', () => {
    expect(memoryStore()).toMatchObject({ name: 'memory', shared: false })
  })

  it('rejects every question with stage-misuse before it was started', async () => {
    const store = memoryStore()
    for (const call of [
      () => store.entries(),
      () => store.heartbeats(),
      () => store.advertised('a'),
      () => store.freeze(true),
    ])
      expect(codeOf(await call().catch((error: unknown) => error))).toBe('stage-misuse')
  })

  it('stays the same store, with the clock of its first host, when it is started and stopped again', async () => {
    const first = fakeHost({ now: 1000 })
    const store = memoryStore()
    await store.start?.(services({ host: first }))
    await store.freeze(true)
    const { epoch, storeId } = await store.entries()
    expect(epoch).toBe(1_000_000)
    await store.start?.(services({ host: fakeHost({ now: 5000, seed: 9 }) }))
    await store.stop?.(signal)
    expect(await store.entries()).toMatchObject({ epoch, storeId, frozen: true })
    await first.advance(1)
    await store.freeze(false)
    expect((await store.entries()).epoch).toBe(1_001_000)
  })

  it('gives another id to every new store', async () => {
    const host = fakeHost()
    const ids = []
    for (const store of [memoryStore(), memoryStore()]) {
      await store.start?.(services({ host }))
      ids.push((await store.entries()).storeId)
    }
    expect(ids[0]).not.toBe(ids[1])
  })

  it('tells those who watched before it was started', async () => {
    const store = memoryStore()
    let told = 0
    store.watch(() => told++)
    await store.start?.(services())
    await store.freeze(true)
    await settle()
    expect(told).toBe(1)
  })

  it('tells nobody within the step itself, nor who stopped watching since', async () => {
    const store = memoryStore()
    await store.start?.(services())
    let told = 0
    const watcher = store.watch(() => told++)
    const done = store.freeze(true)
    expect(told).toBe(0)
    watcher[Symbol.dispose]()
    await done
    await settle()
    expect(told).toBe(0)
  })
})
