import { skip } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { summaryText } from '../../src/runtime/terminal.ts'
import { blocks, numberOf, world } from '../support/world.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)
const ids = (...numbers: readonly number[]) => numbers.map(n => testId(n)).join(', ')

/** A gateway whose next run skips, and so drops, the blocks that are put into `unwanted`. */
async function gatewayOf(...numbers: readonly number[]) {
  const unwanted = new Set<number>()
  const made = await world({
    list: blocks(...numbers),
    stages: [
      {
        kind: 'block',
        name: 'wanted',
        handle: async (block, next) => (unwanted.has(numberOf(block.id)) ? skip('unwanted') : next()),
      },
    ],
  })
  const sync = async (confirmDrops = false) => {
    const result = await made.gateway.sync({ confirmDrops })
    return { result, text: summaryText(result, { output: { write() {} }, env: {} }) }
  }
  return { ...made, unwanted, sync }
}

describe('summaryText', () => {
  it('says that a bucket shows nothing, as a wrong folder does', async () => {
    const nothing = 'the bucket shows nothing where its blocks must lie'
    expect((await (await gatewayOf()).sync()).text).toContain(nothing)
    expect((await (await gatewayOf(1)).sync()).text).not.toContain(nothing)
  })

  it('names up to ten blocks that were added, the oldest first', async () => {
    const { sync } = await gatewayOf(10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
    const { text } = await sync()
    expect(text).toContain(
      `  10 blocks seen: 10 added, 0 unchanged, 0 skipped, 0 failed\n  added: ${ids(...upTo(10))}\n\n  stage`,
    )
    expect(text).not.toContain('dropped')
    expect((await sync()).text).not.toContain('added:')
  })

  it('names none of more than ten', async () => {
    const { sync, unwanted } = await gatewayOf(...upTo(11))
    expect((await sync()).text).toContain('11 added, 0 unchanged, 0 skipped, 0 failed\n\n')
    for (const n of upTo(11)) unwanted.add(n)
    expect((await sync(true)).text).toContain('  of the loaded: 11 dropped, 0 kept for now\n\n')
  })

  it('names those that were dropped, and not what was skipped without having been loaded', async () => {
    const { sync, source, unwanted, gateway } = await gatewayOf(5, 4, 3, 2, 1)
    await sync()
    for (const n of [4, 2, 7]) unwanted.add(n)
    source.list = blocks(...upTo(7))
    const { result, text } = await sync()
    expect(text).toContain(`  7 blocks seen: 1 added, 3 unchanged, 3 skipped, 0 failed\n  added: ${ids(6)}\n`)
    expect(text).toContain(`  of the loaded: 2 dropped, 0 kept for now\n  dropped: ${ids(2, 4)}\n\n`)
    expect(new Set(result.dropped)).toEqual(new Set([testId(4), testId(2)]))
    // What is kept of a run has numbers only.
    const { outcomes, dropped, ...report } = result
    expect(gateway.results.at(-1)).toEqual(report)
  })

  it('names no block whose drop waits for a confirmation', async () => {
    const { sync, unwanted } = await gatewayOf(...upTo(60))
    await sync()
    for (const n of upTo(13)) unwanted.add(n)
    const { result, text } = await sync()
    expect([result.unconfirmed, result.dropped]).toEqual([13, []])
    expect(text).not.toContain('dropped:')
  })
})
