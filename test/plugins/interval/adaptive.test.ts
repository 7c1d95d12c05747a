import { adaptive } from 'blockgate/plugins/interval/adaptive'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

describe('the options of adaptive()', () => {
  const problems = (options: Parameters<typeof adaptive>[0], pipeline: readonly unknown[] = []) =>
    adaptive(options)
      .check?.(pipeline)
      .map(({ path, must }) => `${path}: must ${must}`)

  it('fit together', () => {
    expect(problems({})).toEqual([])
    expect(problems({ from: '3m' })).toEqual(['staleness: must be >= from (3m)'])
    expect(problems({ to: '1m' })).toEqual(['to: must be >= staleness (2m)'])
    expect(problems({ from: '10ms' })).toEqual(['from: must be >= 1s'])
    expect(problems({ requestsPerDay: 50 })).toEqual([
      'requestsPerDay: must be >= 96: a listing each 15m (to) takes at least that',
    ])
  })

  it('leave time to see a deletion mark: the error names the delay of the compactor and that of the filter', () => {
    const filter = { name: 'not-deleted', options: { delay: '47h' } }
    const all = { name: 'scan-bucket', options: { fullEvery: '0s' } }
    expect(problems({ to: '59m' }, [all, filter])).toEqual([])
    expect(problems({ to: '1h' }, [{ name: 'scan-bucket', options: { listing: 'delimited' } }, filter])).toEqual([
      'to: must be < 1h: blocks are deleted 48h (deleteDelay) after their mark, not-deleted (pipeline[1], delay) lets go of them 47h after it',
    ])
    const often = { name: 'scan-bucket', options: { fullEvery: '10m' } }
    expect(problems({ to: '49m' }, [often, filter])).toEqual([])
    expect(problems({ to: '50m' }, [often, filter])).toEqual([
      'to: must be < 50m: blocks are deleted 48h (deleteDelay) after their mark, not-deleted (pipeline[1], delay) lets go of them 47h after it, and scan-bucket lists all of them only each 10m (fullEvery)',
    ])
    expect(problems({ to: '22h' }, [{ name: 'scan-bucket' }, { name: 'not-deleted' }])).toEqual([])
    expect(problems({ to: '23h' }, [{ name: 'scan-bucket' }, { name: 'not-deleted' }])).toHaveLength(1)
    expect(problems({ to: '24h' }, [{ name: 'not-deleted' }])).toHaveLength(1)
    expect(problems({ to: '1h', deleteDelay: '72h' }, [filter])).toEqual([])
  })
})

describe('the budget', () => {
  it('waits until the dearest listing of late can be paid: the next one may be as dear', () => {
    const host = fakeHost()
    // A sixteenth of it, 100 requests, is there at the start.
    const interval = adaptive({ to: '2h', staleness: '30s', requestsPerDay: 1_600 })
    const controller = interval.create({ host, instance: { id: 'me', zone: undefined } })
    const listedAt = (seconds: number, requests: number) => {
      const monotonic = seconds * 1_000
      return controller.next({ now: host.now() + monotonic, monotonic, tookMs: 0, came: 0, requests, ok: true })
    }
    for (let i = 0; i < 30; i++) listedAt(i, 1)
    const { ms, why } = listedAt(30, 60)
    expect(why).toBe('budget')
    // 50 of 1,500 a day, and half a minute has gone.
    expect(ms / 60_000).toBeCloseTo(47.5, 1)
    expect(controller.soonest?.(30_000)).toBeCloseTo(ms, 0)
  })

  it('lets nobody bring a listing closer than `from` to the last one', () => {
    const host = fakeHost()
    const controller = adaptive({ from: '40s' }).create({ host, instance: { id: 'me', zone: undefined } })
    controller.next({ now: host.now(), monotonic: 0, tookMs: 0, came: 0, requests: 1, ok: true })
    expect([controller.soonest?.(0), controller.soonest?.(30_000), controller.soonest?.(90_000)]).toEqual([
      40_000, 10_000, 0,
    ])
  })
})

it('gateways that start at once, with the same chance, list at other times by their names', () => {
  const first = (id: string) => {
    const controller = adaptive().create({ host: fakeHost({ seed: 1 }), instance: { id, zone: undefined } })
    return controller.next({ now: 0, monotonic: 0, tookMs: 0, came: 0, requests: 1, ok: true }).ms
  }
  expect(new Set(['a', 'b', 'c', 'd', 'e'].map(first)).size).toBe(5)
  expect(first('a')).toBe(first('a'))
})
