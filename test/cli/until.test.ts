import { OwnershipUnavailable, sleep } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { until } from '../../src/cli/until.ts'

/** Asks `ask` for `waitMs` on a fake clock, each question for `takesMs`; the times of the questions, and how it ended. */
async function asked(waitMs: number, ask: (n: number) => boolean | number, takesMs = 0) {
  const host = fakeHost()
  const began = host.monotonic()
  const times: number[] = []
  const question = async () => {
    times.push(host.monotonic() - began)
    await sleep(host, takesMs)
    return ask(times.length)
  }
  const end = until(host, waitMs, question, answer => answer === true).catch((error: Error) => error.message)
  await host.advance(60_000)
  return [await end, times]
}

const awayFor = (n: number) => (asks: number) => {
  if (asks <= n) throw new OwnershipUnavailable('away')
  return true
}

it.each([
  [
    'asks every 2 s, and ends with the first answer that is so',
    30_000,
    (n: number) => n === 3,
    0,
    true,
    [0, 2_000, 4_000],
  ],
  [
    'asks once more when the time is up, and gives that answer',
    5_000,
    (n: number) => n,
    0,
    4,
    [0, 2_000, 4_000, 5_000],
  ],
  ['asks once more also where the first answer takes longer', 1_000, (n: number) => n === 2, 10_000, true, [0, 10_000]],
  ['asks once where it is not to wait', 0, (n: number) => n, 0, 1, [0]],
  ['asks a member store that is away again', 30_000, awayFor(2), 0, true, [0, 2_000, 4_000]],
  ['fails where it is still away at the end', 2_000, awayFor(9), 0, 'ownership-unavailable: away', [0, 2_000]],
  [
    'fails at once with any other error',
    30_000,
    () => {
      throw new Error('broken')
    },
    0,
    'broken',
    [0],
  ],
])('until() %s', async (_, waitMs, ask, takesMs, end, times) => {
  expect(await asked(waitMs, ask, takesMs)).toEqual([end, times])
})
