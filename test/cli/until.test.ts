import { OwnershipUnavailable, sleep } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { until } from '../../src/cli/until.ts'

const isTrue = (answer: boolean | number) => answer === true

/** Asks `ask` for `waitMs` on a fake clock; the times of the questions, and how it ended. */
async function asked<T>(waitMs: number, ask: (n: number) => T, isSo: (answer: T) => boolean) {
  const host = fakeHost()
  const began = host.monotonic()
  const times: number[] = []
  const end = until(
    host,
    waitMs,
    async () => {
      times.push(host.monotonic() - began)
      return ask(times.length)
    },
    isSo,
  ).then(
    answer => ({ answer }),
    (error: Error) => ({ error: error.message }),
  )
  await host.advance(60_000)
  return { times, end: await end }
}

describe('until', () => {
  it('asks every 2 s, and ends with the first answer that is so', async () => {
    expect(await asked(30_000, n => n === 3, isTrue)).toEqual({ times: [0, 2_000, 4_000], end: { answer: true } })
  })

  it('asks once more when the time is up, and gives that answer', async () => {
    expect(await asked(5_000, n => n, isTrue)).toEqual({ times: [0, 2_000, 4_000, 5_000], end: { answer: 4 } })
  })

  it('asks once more also where the first answer takes longer than the time', async () => {
    const host = fakeHost()
    let n = 0
    const slow = async () => {
      n++
      await sleep(host, 10_000)
      return n === 2
    }
    const end = until(host, 1_000, slow, isTrue)
    await host.advance(30_000)
    expect([await end, n]).toEqual([true, 2])
  })

  it('asks once where it is not to wait', async () => {
    expect(await asked(0, n => n, isTrue)).toEqual({ times: [0], end: { answer: 1 } })
  })

  it('asks a member store that is away again, and fails where it is still away at the end', async () => {
    const away = (n: number): boolean => {
      if (n < 3) throw new OwnershipUnavailable('away')
      return true
    }
    expect((await asked(30_000, away, isTrue)).end).toEqual({ answer: true })
    expect(await asked(2_000, away, isTrue)).toEqual({
      times: [0, 2_000],
      end: { error: 'ownership-unavailable: away' },
    })
  })

  it('fails at once with any other error', async () => {
    const broken = (): boolean => {
      throw new Error('broken')
    }
    expect(await asked(30_000, broken, isTrue)).toEqual({ times: [0], end: { error: 'broken' } })
  })
})
