import { expect, it } from 'vitest'
import { Coalesced } from '../../src/async/coalesced.ts'

it('there is at most one in flight and one that waits, and who asks gets one that began after it asked', async () => {
  const gates: (() => void)[] = []
  const order: string[] = []
  const work = new Coalesced(() => {
    order.push(`begin ${gates.length}`)
    return new Promise(resolve => gates.push(resolve))
  })
  const told = (name: string) => () => void order.push(name)
  void work.request().then(told('first'))
  void work.request().then(told('second'))
  const third = work.request().then(told('third'))
  gates[0]?.()
  await Promise.resolve()
  while (gates.length < 2) await Promise.resolve()
  gates[1]?.()
  await third
  expect(order).toEqual(['begin 0', 'first', 'begin 1', 'second', 'third'])
  await work.idle()
  void work.request()
  expect(gates).toHaveLength(3)
})
