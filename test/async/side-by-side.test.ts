import { backoffMs, eachBounded, Turns } from 'blockgate'
import { Coalesced } from 'blockgate/members'
import { fakeHost, settle } from 'blockgate/testing'
import { expect, it } from 'vitest'

it('a backoff doubles up to its largest, half of it fixed and half random', () => {
  const at = (random: number) => ({ ...fakeHost(), random: () => random })
  const delays = (random: number) => [1, 2, 3, 4, 9].map(n => backoffMs(at(random), { base: 100, max: 500 }, n))
  expect(delays(0)).toEqual([50, 100, 200, 250, 250])
  expect(delays(1)).toEqual([100, 200, 400, 500, 500])
})

it('eachBounded works side by side within its bound, starting in list order, and gives what each gave', async () => {
  const log: number[] = []
  let now = 0
  let most = 0
  const results = await eachBounded([1, 2, 3, 4, 5], 2, async n => {
    log.push(n)
    most = Math.max(most, ++now)
    for (let i = n; i < 6; i++) await Promise.resolve()
    now--
    return n * n
  })
  expect([log, most, results]).toEqual([[1, 2, 3, 4, 5], 2, [1, 4, 9, 16, 25]])
})

it('eachBounded begins nothing after a failure, waits for what runs, and rejects with the first', async () => {
  const log: string[] = []
  const slow = Promise.withResolvers<void>()
  const work = eachBounded(['slow', 'bad', 'never'], 2, async name => {
    log.push(name)
    if (name === 'bad') throw new Error('bad')
    await slow.promise
    log.push('slow ended')
  }).catch((error: Error) => log.push(error.message))
  await Promise.resolve()
  slow.resolve()
  await work
  expect(log).toEqual(['slow', 'bad', 'slow ended', 'bad'])
})

it('turns for one key come one after the other, also after a rejection, which goes to its own caller; for two side by side', async () => {
  const turns = new Turns<string>()
  const log: string[] = []
  const gate = Promise.withResolvers<void>()
  const work = (name: string) => async () => {
    log.push(`${name} begins`)
    await gate.promise
    log.push(`${name} ends`)
    if (name === 'a') throw new Error('no')
    return name
  }
  const a = expect(turns.run('x', work('a'))).rejects.toThrow('no')
  const others = [turns.run('x', work('b')), turns.run('y', work('c'))]
  expect(log).toEqual(['a begins', 'c begins'])
  gate.resolve()
  await a
  expect(await Promise.all(others)).toEqual(['b', 'c'])
  expect(log.filter(line => !line.startsWith('c'))).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

it('of coalesced work one is in flight and one waits: who asks gets one that begins after it asked, and how that ended', async () => {
  const gates: PromiseWithResolvers<void>[] = []
  const work = new Coalesced(() => {
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    return gate.promise
  })
  const first = expect(work.request()).rejects.toThrow('no')
  const [second, third] = [work.request(), work.request()]
  expect([gates.length, second === third]).toEqual([1, true])
  const idle = work.idle()
  gates[0]?.reject(new Error('no'))
  await first
  await settle()
  expect(gates).toHaveLength(2)
  gates[1]?.resolve()
  await Promise.all([second, idle])
  void work.request()
  expect(gates).toHaveLength(3)
})
