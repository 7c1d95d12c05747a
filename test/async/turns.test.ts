import { Turns } from 'blockgate'
import { expect, it } from 'vitest'

it('work for one key runs one after the other, in the order of the calls; for two keys side by side', async () => {
  const turns = new Turns<string>()
  const log: string[] = []
  const gate = Promise.withResolvers<void>()
  const work = (name: string) => async () => {
    log.push(`${name} begins`)
    await gate.promise
    log.push(`${name} ends`)
  }
  const all = [turns.run('x', work('a')), turns.run('x', work('b')), turns.run('y', work('c'))]
  expect(log).toEqual(['a begins', 'c begins'])
  gate.resolve()
  await Promise.all(all)
  expect(log.filter(line => !line.startsWith('c'))).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

it('a rejection goes to its own caller, and the next one runs', async () => {
  const turns = new Turns<string>()
  const first = turns.run('x', async () => {
    throw new Error('no')
  })
  const second = turns.run('x', async () => 'yes')
  await expect(first).rejects.toThrow('no')
  expect(await second).toBe('yes')
})
