import type { SlotEntry } from 'blockgate/members'
import { fakeHost } from 'blockgate/testing'
import { beforeEach, expect, it } from 'vitest'
import { Suspects } from '../../../../plugins/ownership/redlock/suspects.ts'

let host = fakeHost()
let suspects = new Suspects(host)
beforeEach(() => {
  host = fakeHost()
  suspects = new Suspects(host)
})

const wait = (...ids: readonly string[]) => suspects.wait(new Set(ids))
const entry = (holder: string, fence: number): SlotEntry => ({ slot: 9, rank: 0, holder, fence })

it('a member that takes nothing of what is open for it for 2 s is passed over for a minute', async () => {
  expect(wait('a')).toBe(false)
  await host.advance(1_999)
  expect([wait('a', 'b'), suspects.has('a')]).toEqual([false, false])
  await host.advance(1)
  expect([wait('a', 'b'), suspects.has('a'), suspects.has('b')]).toEqual([true, true, false])
  await host.advance(59_999)
  expect(suspects.has('a')).toBe(true)
  await host.advance(1)
  expect(suspects.has('a')).toBe(false)
})

it('time counts anew where nothing was open for it in between', async () => {
  wait('a')
  await host.advance(1_500)
  wait('b')
  await host.advance(1_500)
  expect([wait('a', 'b'), suspects.has('a')]).toEqual([false, false])
})

it('a member at work is waited for: each new entry of it counts, and the same one again does not', async () => {
  wait('a')
  for (let fence = 1; fence < 6; fence++) {
    await host.advance(1_500)
    suspects.working([entry('a', fence), entry('b', 100)])
    expect(wait('a')).toBe(false)
  }
  await host.advance(1_500)
  suspects.working([entry('a', 5)])
  await host.advance(500)
  expect(wait('a')).toBe(true)
})

it('a member that is passed over and takes a slot all the same is waited for again, at once', async () => {
  suspects.working([entry('a', 5)])
  wait('a')
  await host.advance(2_000)
  wait('a')
  suspects.working([entry('a', 5)])
  expect(suspects.has('a')).toBe(true)
  suspects.working([entry('a', 6)])
  expect(suspects.has('a')).toBe(false)
})

it('where the fault may be here nobody is blamed, and all are waited for once more', async () => {
  wait('a', 'b')
  await host.advance(2_000)
  wait('a')
  suspects.clear()
  expect([suspects.has('a'), wait('a', 'b')]).toEqual([false, false])
  await host.advance(1_999)
  expect(wait('a', 'b')).toBe(false)
})

it('a clock that is stepped forward, or a process that stood still, counts as time', () => {
  wait('a')
  host.step(2_000)
  expect(wait('a')).toBe(true)
})
