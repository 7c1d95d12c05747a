import { fakeHost } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { pauseMargin } from '../../../../plugins/ownership/redlock/pause-margin.ts'

/** A margin on a host whose timers fire late. */
function started(ttlMs = 30_000) {
  const host = fakeHost()
  let late = 0
  const margin = pauseMargin({ ...host, setTimer: (ms, fn) => host.setTimer(ms + late, fn) }, ttlMs)
  return {
    host,
    margin,
    /** So many timers fire, each so late. The one that is armed is as late as it was armed to be. */
    async fires(count: number, ms: number) {
      late = ms
      for (let i = 0; i < count; i++) await host.advance(250 + ms)
    },
  }
}

it('is 250 ms before anything is known, and while timers are less late than that', async () => {
  const { margin, fires } = started()
  expect(margin.ms).toBe(250)
  await fires(20, 249)
  expect(margin.ms).toBe(250)
})

it('is how late all but one timer in a thousand were, of the last thousand', async () => {
  const { margin, fires } = started()
  await fires(1_000, 10)
  await fires(1, 2_000)
  await fires(1, 0)
  expect(margin.ms).toBe(250)
  await fires(1, 3_000)
  await fires(1, 0)
  expect(margin.ms).toBe(2_000)
  await fires(1_001, 0)
  expect(margin.ms).toBe(250)
})

it('is a quarter of the TTL at most: a process that stands still again and again has locks all the same', async () => {
  const { margin, fires } = started()
  await fires(10, 20_000)
  expect(margin.ms).toBe(7_500)
  expect(started(800).margin.ms).toBe(200)
})

it('knows a machine that slept by its wall clock, and takes one that is set back for none', async () => {
  const { margin, host } = started()
  host.step(-60_000)
  await host.advance(250)
  expect(margin.ms).toBe(250)
  host.step(3_000)
  await host.advance(250)
  expect(margin.ms).toBe(3_000)
})

it('has no timer after its stop', async () => {
  const { margin, host } = started()
  await host.advance(1_000)
  margin.stop()
  expect(host.pendingTimers).toBe(0)
})
