// Bytes whose checksums are right, and that are not where they belong: what `npm run fuzz` found.
import { describe, expect, it } from 'vitest'
import { Querier } from '../../src/query/querier.ts'
import { blockFiles } from '../support/block-files.ts'
import type { Damage } from '../support/index-file.ts'
import { type BlockOfFiles, sinkOfFiles, xorOf } from './sink-of.ts'

const { signal } = new AbortController()
const data = xorOf([[5, 1]])

/** Series a="1" to a="3", whose entries have the same length. */
function block(damage?: Damage): BlockOfFiles {
  const series = ['1', '2', '3'].map(a => ({
    labels: [['a', a]] as const,
    chunks: [{ from: 5, to: 5, encoding: 1, data }],
  }))
  return { meta: { minTime: 0, maxTime: 10 }, files: blockFiles({ series, damage }) }
}

/** The value of a of each series. */
async function ask(of: BlockOfFiles, kind: 'whole' | 'headers'): Promise<readonly string[]> {
  const matchers = [{ type: '=~', name: 'a', value: '.+' }] as const
  const found: string[] = []
  for await (const batch of new Querier({ sink: sinkOfFiles([of], { kind }).sink }).select(
    { matchers, from: 0, to: 9 },
    signal,
  )) {
    for (const { labels } of batch) found.push(labels[0]?.[1] ?? '')
  }
  return found
}

/** The second entry has the bytes of the entry `other`. */
function copied(other: number): Damage {
  const entries: Uint8Array[] = []
  const whole = block((part, body) => {
    if (part === 'series') entries.push(body)
    return body
  })
  expect(whole.files.size).toBe(3)
  let at = 0
  return (part, body) => (part === 'series' && ++at === 2 ? (entries[other] as Uint8Array) : body)
}

describe.each(['whole', 'headers'] as const)('a block that is kept as %s', kind => {
  it('is answered where all is in its place', async () => {
    expect(await ask(block(), kind)).toEqual(['1', '2', '3'])
  })

  it.each([0, 2])('is corrupt where a series has the entry of another one: %i', async other => {
    await expect(ask(block(copied(other)), kind)).rejects.toMatchObject({
      code: 'corrupt-block',
      message: expect.stringMatching(/index: series at \d+ must stand behind those with smaller labels, once/),
    })
  })
})

it('an index that has grown since its header was made is corrupt, whatever its bytes are', async () => {
  const grown = block()
  const index = grown.files.get('index') as Uint8Array
  grown.files.set('index', Uint8Array.from([...index, 0]))
  await expect(ask(grown, 'headers')).rejects.toThrow(
    `the index must have ${index.length} bytes, as its index-header says: it has ${index.length + 1}`,
  )
})
