import type { MemberStore } from 'blockgate/members'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { fakeHost, services, testMemberStore } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { kitResult } from './kit-cases.ts'

/** The names of the cases that fail for a memory store that `change` was done to. */
async function failures(change: (store: MemberStore) => MemberStore): Promise<readonly string[]> {
  const create = async () => {
    const host = fakeHost()
    const store = change(memoryStore())
    await store.start?.(services({ host }))
    return { store, advance: (ms: number) => host.advance(ms), dispose: () => {} }
  }
  return [...(await kitResult(runner => testMemberStore(runner, { name: 'changed', create }))).failed.keys()]
}

function withoutSlots(store: MemberStore): MemberStore {
  const { fence: _, hold: __, slots: ___, ...plain } = store as ReturnType<typeof memoryStore>
  return {
    ...plain,
    release: (stamp, request) =>
      plain.release(stamp, {
        ...request,
        items: request.items.filter(({ precondition }) => precondition === undefined),
      }),
  }
}

describe('testMemberStore', () => {
  it('passes a store without slots', async () => {
    expect(await failures(withoutSlots)).toEqual([])
  })

  it('catches a store without slots that ignores guards', async () => {
    const ignoring = (store: MemberStore) => ({
      ...withoutSlots(store),
      release: (...[stamp, request]: Parameters<MemberStore['release']>) =>
        store.release(stamp, { ...request, items: request.items.map(item => ({ ...item, guard: undefined })) }),
    })
    expect(await failures(ignoring)).toEqual(['a store without slots keeps what depends on one'])
  })

  it('catches a store that has a part of what slots need', async () => {
    for (const part of ['fence', 'hold', 'slots'] as const) {
      const partly = (store: MemberStore) => {
        const { [part]: _, ...rest } = store as ReturnType<typeof memoryStore>
        return rest as MemberStore
      }
      expect((await failures(partly)).length, part).toBeGreaterThan(3)
    }
  })
})
