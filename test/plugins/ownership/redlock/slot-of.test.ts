import { expect, it } from 'vitest'
import { SlotOrder, slotOf } from '../../../../plugins/ownership/redlock/slot-of.ts'
import { blocks, counted } from '../hash-ring/support.ts'

it('blocks of one time spread over all slots', () => {
  const counts = counted(blocks(25_600).map(id => String(slotOf(id, 256))))
  expect(counts.size).toBe(256)
  for (const count of counts.values()) {
    expect(count).toBeGreaterThan(50)
    expect(count).toBeLessThan(160)
  }
})

it('the slot of a block never changes: another one would move every block of every cluster', () => {
  const slots = blocks(6).map(id => slotOf(id, 256))
  expect(slots).toMatchInlineSnapshot(`
    [
      234,
      248,
      126,
      151,
      95,
      27,
    ]
  `)
  expect(blocks(6).map(id => slotOf(id, 1))).toEqual([0, 0, 0, 0, 0, 0])
})

it('each member comes first for its share of the slots, and one that goes changes the order of no others', () => {
  const ids = ['gw-1', 'gw-2', 'gw-3', 'gw-4']
  const order = new SlotOrder(ids)
  const firsts = counted(Array.from({ length: 256 }, (_, slot) => order.of(slot)[0]))
  for (const id of ids) expect(firsts.get(id)).toBeGreaterThan(40)
  const fewer = new SlotOrder(ids.slice(0, 3))
  for (let slot = 0; slot < 256; slot++) expect(fewer.of(slot)).toEqual(order.of(slot).filter(id => id !== 'gw-4'))
})
