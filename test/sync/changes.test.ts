import type { OwnershipChange } from 'blockgate'
import { blockMeta } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Changes } from '../../src/sync/offers.ts'

const block = blockMeta()
const change = (epoch: number, affects: OwnershipChange['affects'] = () => false): OwnershipChange => ({
  epoch,
  affects,
})

describe('changes that wait for a run', () => {
  it('affect what one of them affects, and nothing where there is none', () => {
    const changes = new Changes()
    expect([changes.none, changes.affects(block)]).toEqual([true, false])
    changes.add(change(1))
    expect([changes.none, changes.affects(block)]).toEqual([false, false])
    changes.add(change(2, () => true))
    expect(changes.affects(block)).toBe(true)
  })

  it('do not pile up: many stand for a change of everything, and only few of them are asked', () => {
    const changes = new Changes()
    let asked = 0
    const counted = () => {
      asked++
      return false
    }
    for (let epoch = 1; epoch <= 10_000; epoch++) changes.add(change(epoch, counted))
    expect(changes.affects(block)).toBe(true)
    expect(asked).toBeLessThanOrEqual(64)
  })
})
