import { adaptive } from 'blockgate/plugins/interval/adaptive'
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
    expect(problems({ to: '59m' }, [{ name: 'scan-bucket' }, filter])).toEqual([])
    expect(problems({ to: '1h' }, [{ name: 'scan-bucket' }, filter])).toEqual([
      'to: must be < 1h: blocks are deleted 48h (deleteDelay) after their mark, and not-deleted (pipeline[1], delay) lets go of them 47h after it',
    ])
    expect(problems({ to: '24h' }, [{ name: 'not-deleted' }])).toHaveLength(1)
    expect(problems({ to: '1h', deleteDelay: '72h' }, [filter])).toEqual([])
  })
})
