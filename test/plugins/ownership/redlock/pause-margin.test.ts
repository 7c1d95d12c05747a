import type { Host } from 'blockgate'
import { type FakeHost, fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { PauseMargin } from '../../../../plugins/ownership/redlock/pause-margin.ts'

const TTL = 30_000

/** A host whose timers fire as late as `late` says. */
function lateHost(host: FakeHost): Host & { late: number } {
  const own = { ...host, late: 0, setTimer: (ms: number, fn: () => void) => host.setTimer(ms + own.late, fn) }
  return own
}

function started(ttlMs = TTL) {
  const fake = fakeHost()
  const host = lateHost(fake)
  const margin = new PauseMargin(ttlMs)
  margin.start(host)
  return {
    fake,
    margin,
    /** So many timers fire, each so late. */
    async fires(count: number, late: number) {
      host.late = late
      // The one that is armed is as late as it was armed to be.
      for (let i = 0; i < count; i++) await fake.advance(250 + late)
    },
  }
}

describe('the pause margin', () => {
  it('is 250 ms before anything is known, and while timers are less late than that', async () => {
    const { margin, fires } = started()
    expect(margin.ms).toBe(250)
    await fires(20, 249)
    expect(margin.ms).toBe(250)
    margin.stop()
  })

  it('is how late all but one timer in a thousand were', async () => {
    const { margin, fires } = started()
    await fires(1_000, 10)
    await fires(1, 2_000)
    await fires(1, 0)
    expect(margin.ms).toBe(250)
    await fires(1, 3_000)
    await fires(1, 0)
    expect(margin.ms).toBe(2_000)
    margin.stop()
  })

  it('forgets what is more than a thousand timers ago', async () => {
    const { margin, fires } = started()
    await fires(5, 900)
    expect(margin.ms).toBe(900)
    await fires(1_001, 0)
    expect(margin.ms).toBe(250)
    margin.stop()
  })

  it('is a quarter of the TTL at most: a process that stands still again and again has locks all the same', async () => {
    const { margin, fires } = started()
    await fires(10, 20_000)
    expect(margin.ms).toBe(7_500)
    margin.stop()
    expect(new PauseMargin(800).ms).toBe(200)
  })

  it('knows a machine that slept by its wall clock, and takes one that is set back for none', async () => {
    const { margin, fake } = started()
    fake.step(-60_000)
    await fake.advance(250)
    expect(margin.ms).toBe(250)
    fake.step(3_000)
    await fake.advance(250)
    expect(margin.ms).toBe(3_000)
    margin.stop()
  })

  it('has no timer after its stop', async () => {
    const { margin, fake } = started()
    await fake.advance(1_000)
    margin.stop()
    margin.stop()
    expect(fake.pendingTimers).toBe(0)
  })
})
