import { type BlockStage, type Config, owned, type Pipeline, resolveConfig, type SetStage, skip } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { offered } from '../../src/explain/offered.ts'
import { blocks, numberOf, scriptedOwnership, scriptedSink, scriptedSource } from '../support/world.ts'

function block(name: string, skips: (n: number) => boolean, asked: number[] = []): BlockStage {
  return {
    kind: 'block',
    name,
    async handle({ id }, next) {
      asked.push(numberOf(id))
      return skips(numberOf(id)) ? skip(name) : next()
    },
  }
}

/** Puts each block aside whose number is a key: for the block of the value. */
function compacted(parents: Readonly<Record<number, number>>): SetStage {
  return {
    kind: 'set',
    name: 'compacted',
    select: all =>
      all.map(({ meta: { ulid: id } }) => {
        const parent = parents[numberOf(id)]
        return parent === undefined ? { id } : { id, skip: 'duplicate', supersededBy: testId(parent) }
      }),
  }
}

async function asked(stages: readonly unknown[], list = blocks(1, 2, 3, 4, 5)) {
  const ownership = scriptedOwnership()
  const source = scriptedSource(list)
  const sink = scriptedSink()
  const before = stages.indexOf('owned')
  const pipeline = [source, ...stages.slice(0, before), owned(ownership), ...stages.slice(before + 1), sink]
  const config = await resolveConfig({ pipeline: pipeline as unknown as Pipeline } satisfies Config, { env: {} })
  const ask = async (signal = new AbortController().signal) => {
    const told = await offered({ ...config, host: fakeHost() }, signal)
    const superseded = [...told.superseded].map(pair => pair.map(numberOf))
    return { blocks: told.blocks.map(({ meta }) => numberOf(meta.ulid)), superseded, complete: told.complete }
  }
  return { ask, source, ownership, sink }
}

describe('offered', () => {
  it('is what every stage before owned() lets through, in all segments, in their order', async () => {
    const { ask } = await asked([block('one', n => n === 1), compacted({}), block('four', n => n === 4), 'owned'])
    expect(await ask()).toEqual({ blocks: [2, 3, 5], superseded: [], complete: true })
  })

  it('names what a set stage put aside for a block that holds all of it, and nothing that never came so far', async () => {
    const { ask } = await asked([block('one', n => n === 1), compacted({ 1: 5, 2: 5 }), 'owned'])
    expect(await ask()).toEqual({ blocks: [3, 4, 5], superseded: [[2, 5]], complete: true })
  })

  it('does not name what a set stage lets go on, whatever it says of another block', async () => {
    const select: SetStage['select'] = all => all.map(({ meta: { ulid: id } }) => ({ id, supersededBy: testId(5) }))
    const { ask } = await asked([{ kind: 'set', name: 'kind', select }, 'owned'], blocks(1, 5))
    expect(await ask()).toEqual({ blocks: [1, 5], superseded: [], complete: true })
  })

  it('asks neither owned(), nor a stage behind it, nor the sink', async () => {
    const behind: number[] = []
    const { ask, ownership, sink } = await asked(['owned', block('behind', () => true, behind)])
    expect((await ask()).blocks).toEqual([1, 2, 3, 4, 5])
    expect([behind, ownership.log, sink.log]).toEqual([[], [], []])
  })

  it('says that the source did not see the whole bucket', async () => {
    const { ask, source } = await asked(['owned'])
    source.complete = false
    expect((await ask()).complete).toBe(false)
  })

  it('fails as the source does, and with its signal', async () => {
    const { ask, source } = await asked([block('any', () => false), 'owned'])
    await expect(ask(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    source.error = new Error('403')
    await expect(ask()).rejects.toThrow('listing-failed: 403')
  })
})
