import type { SlotEntry } from 'blockgate/members'
import { fakeHost } from 'blockgate/testing'
import { beforeEach, expect, it } from 'vitest'
import { Patience } from '../../../../plugins/ownership/redlock/patience.ts'

let host = fakeHost()
let patience = new Patience(host)
beforeEach(() => {
  host = fakeHost()
  patience = new Patience(host)
})

const seat = (slot: number, to: string) => ({ slot, rank: 0, to })
const record = (holder: string, fence: number): SlotEntry => ({ slot: 9, rank: 0, holder, fence })

it('a member that takes nothing of what is open for it for 2 s is passed over for a minute', async () => {
  expect(patience.wait([seat(1, 'a')])).toBe(false)
  await host.advance(1_999)
  expect(patience.wait([seat(1, 'a')])).toBe(false)
  expect(patience.over('a')).toBe(false)
  await host.advance(1)
  expect(patience.wait([seat(1, 'a')])).toBe(true)
  expect(patience.over('a')).toBe(true)
  expect(patience.over('b')).toBe(false)
  await host.advance(59_999)
  expect(patience.over('a')).toBe(true)
  await host.advance(1)
  expect(patience.over('a')).toBe(false)
})

it('time counts anew for another member, and for a seat that was taken meanwhile', async () => {
  patience.wait([seat(1, 'a')])
  await host.advance(1_500)
  patience.wait([seat(1, 'b')])
  await host.advance(1_500)
  expect(patience.wait([seat(1, 'b')])).toBe(false)
  patience.wait([])
  await host.advance(1_500)
  expect(patience.wait([seat(1, 'b')])).toBe(false)
  expect(patience.over('b')).toBe(false)
})

it('a member at work is waited for: each new record of it counts', async () => {
  patience.wait([seat(1, 'a')])
  for (let fence = 1; fence < 6; fence++) {
    await host.advance(1_500)
    patience.progress([record('a', fence)])
    expect(patience.wait([seat(1, 'a')])).toBe(false)
  }
  // The same record again is no news.
  await host.advance(1_500)
  patience.progress([record('a', 5)])
  expect(patience.wait([seat(1, 'a')])).toBe(false)
  await host.advance(500)
  patience.progress([record('a', 5)])
  expect(patience.wait([seat(1, 'a')])).toBe(true)
})

it('a seat that somebody has locked is waited for anew', async () => {
  patience.wait([seat(1, 'a')])
  await host.advance(1_999)
  patience.busy('1/0')
  await host.advance(1)
  expect(patience.wait([seat(1, 'a')])).toBe(false)
})

it('where the fault may be here nobody is blamed', async () => {
  patience.wait([seat(1, 'a'), seat(2, 'b')])
  await host.advance(2_000)
  patience.wait([seat(1, 'a'), seat(2, 'b')])
  expect([patience.over('a'), patience.over('b')]).toEqual([true, true])
  patience.forgive()
  expect([patience.over('a'), patience.over('b')]).toEqual([false, false])
  await host.advance(60_000)
  expect(patience.wait([seat(1, 'a')])).toBe(false)
  // From when the lock servers are reached.
  patience.reached()
  expect(patience.wait([seat(1, 'a')])).toBe(false)
  await host.advance(1_999)
  patience.reached()
  expect(patience.wait([seat(1, 'a')])).toBe(false)
  await host.advance(1)
  expect(patience.wait([seat(1, 'a')])).toBe(true)
})

it('a clock that is stepped forward, or a process that stood still, counts as time', () => {
  patience.wait([seat(1, 'a')])
  host.step(2_000)
  expect(patience.wait([seat(1, 'a')])).toBe(true)
})
