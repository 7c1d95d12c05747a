// What inspect says of labels and chunks, beside promtool; and that --verify finds damage wherever it is.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import type { BlockFolder } from '../../src/cli/block/folder.ts'
import { inspectBlock } from '../../src/cli/inspect-block.ts'
import { blockgate, QUICKSTART } from '../support/cli.ts'
import { indexFile } from '../support/index-file.ts'
import { openMetrics } from '../support/openmetrics.ts'
import { CHILD, folder, jsonLine, PARENT } from './world.ts'

const BLOCK = join(QUICKSTART, 'bucket', PARENT)
const FILES = ['chunks/000001', 'index', 'meta.json']

/** The files of a block in memory, and what `change` makes of them. */
function inMemory(block: string, change: (files: Map<string, Uint8Array>) => void = () => {}): BlockFolder {
  const bytes = new Map(FILES.map(path => [path, new Uint8Array(readFileSync(join(block, path)))]))
  change(bytes)
  return {
    where: 'memory',
    name: 'copy',
    files: [...bytes].map(([path, { length }]) => ({ path, size: length })),
    read: async (path, offset, length) => (bytes.get(path) as Uint8Array).slice(offset, offset + length),
  }
}

const verified = (block: BlockFolder) => inspectBlock(block, { now: Date.now(), verify: true })

/** The problems after a change of the index of a block. */
async function afterChange(path: string, change: (bytes: Uint8Array, view: DataView) => void, block = BLOCK) {
  const { problems } = await verified(
    inMemory(block, files => {
      const bytes = files.get(path) as Uint8Array
      change(bytes, new DataView(bytes.buffer))
    }),
  )
  return problems
}

function flip(bytes: Uint8Array, at: number, bits: number): void {
  bytes[at] = (bytes[at] as number) ^ bits
}

/**
 * The offsets in the TOC of an index: symbols, series, label indices, their table, postings, their table. Label indices begin at
 * the next multiple of four.
 */
function tocOf(view: DataView): readonly number[] {
  const offsets = [0, 1, 2, 3, 4, 5].map(i => Number(view.getBigUint64(view.byteLength - 52 + 8 * i)))
  return offsets.map((offset, i) => (i === 2 ? Math.ceil(offset / 4) * 4 : offset))
}

/** What promtool says: numbers by their names, and the lists below a heading. */
function analyzed(block: string, name: string) {
  const db = folder()
  mkdirSync(join(db, 'wal'))
  cpSync(block, join(db, name), { recursive: true })
  const text = execFileSync('promtool', ['tsdb', 'analyze', '--limit=10', db, name], { encoding: 'utf8' })
  const number = (what: string) => Number(new RegExp(`^${what}: (\\d+)$`, 'm').exec(text)?.[1])
  const list = (what: string) => {
    const lines = text.split(`${what}:\n`)[1]?.split('\n\n')[0]?.trimEnd().split('\n') ?? []
    return lines.map(line => /^(\d+) (.*)$/s.exec(line)?.slice(1) as [string, string])
  }
  return { number, list }
}

/** Ones of equal counts come in another order: those above the last count are compared. */
function above(rows: readonly (readonly [string, string])[]): readonly string[] {
  const least = Number(rows.at(-1)?.[0])
  return rows
    .filter(([count]) => Number(count) > least)
    .map(row => row.join(' '))
    .sort()
}

/** Blocks that promtool makes: many kinds of series, odd labels among them. */
function promtoolBlocks(): readonly string[] {
  const [text, out] = [join(folder(), 'text'), folder()]
  const lines = openMetrics({ series: 300, start: 1_700_006_400, hours: 2, keepHours: 2, seed: 3 })
  writeFileSync(text, lines.join(''))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, out])
  return readdirSync(out).map(name => join(out, name))
}

describe('blockgate inspect', () => {
  it('counts labels as promtool does', async () => {
    for (const block of [BLOCK, ...promtoolBlocks()]) {
      const { number, list } = analyzed(block, block.slice(-26))
      const { code, stdout } = await blockgate(['inspect', block, '--json'], { cwd: folder() })
      const { labels, problems } = jsonLine(stdout)
      expect([code, problems]).toEqual([0, []])
      expect(labels).toMatchObject({
        series: number('Series'),
        names: number('Label names'),
        pairs: number('Postings \\(unique label pairs\\)'),
        entries: number('Postings entries \\(total label pairs\\)'),
      })
      expect(labels.series).toBeGreaterThan(40)
      const rows = <T>(of: readonly T[], row: (each: T) => [number, string]) =>
        above(of.map(row).map(([count, text]) => [String(count), text] as const))
      type Pair = { series: number; name: string; value: string; values: number }
      expect(rows(labels.topPairs, (each: Pair) => [each.series, `${each.name}=${each.value}`])).toEqual(
        above(list('Most common label pairs')),
      )
      expect(rows(labels.topLabels, (each: Pair) => [each.values, each.name])).toEqual(
        above(list('Highest cardinality labels')),
      )
      expect(rows(labels.topMetrics, (each: Pair) => [each.series, each.name])).toEqual(
        above(list('Highest cardinality metric names')),
      )
    }
  })

  it('counts chunks and samples as promtool does, and --verify finds nothing wrong', async () => {
    for (const block of promtoolBlocks()) {
      const { stats } = JSON.parse(readFileSync(join(block, 'meta.json'), 'utf8'))
      const { code, stdout } = await blockgate(['inspect', block, '--json', '--verify'], { cwd: folder() })
      const { chunks, checked, problems } = jsonLine(stdout)
      expect([code, problems]).toEqual([0, []])
      expect(chunks).toMatchObject({
        chunks: stats.numChunks,
        samples: stats.numSamples,
        encodings: [{ encoding: 'XOR', chunks: stats.numChunks, samples: stats.numSamples }],
      })
      const spread = chunks.samplesPerChunk as { from: number; to: number; chunks: number }[]
      expect(spread.reduce((sum, step) => sum + step.chunks, 0)).toBe(stats.numChunks)
      expect(spread.at(-1)).toMatchObject({ from: 109, to: 120 })
      expect(checked).toMatchObject({ series: stats.numSeries, chunks: stats.numChunks, samples: stats.numSamples })
    }
  })

  it('prints the labels and the chunks for a person, and what --verify has checked', async () => {
    const { code, stdout } = await blockgate(['inspect', BLOCK, '--verify'], { cwd: folder() })
    expect(code).toBe(0)
    expect(stdout).toContain('\nlabels  45 series, 6 names, 24 pairs, 159 in all series\n')
    expect(stdout).toContain('\n         33  job="api"\n')
    expect(stdout).toContain('\n        270       32,400     64.7 kB  XOR\n')
    expect(stdout).toContain(`\n        270  109 to 120       ${'#'.repeat(40)}\n`)
    const all = '45 series, 25 postings lists and 270 chunks with 32,400 samples'
    expect(stdout.endsWith(`\nnothing is wrong: ${all} were checked\n`)).toBe(true)
  })

  it('shows on a terminal how much was read', async () => {
    const { stdout } = await blockgate(['inspect', BLOCK, '--verify'], { cwd: folder(), terminal: true })
    expect(stdout).toMatch(/read [\d.]+ kB, of a block of 73\.4 kB/)
  })
})

describe('blockgate inspect --verify', () => {
  it('reads index files of version 1, whose references are offsets', async () => {
    const path = join(folder(), 'v1')
    cpSync(BLOCK, path, { recursive: true })
    writeFileSync(
      join(path, 'index'),
      indexFile({
        version: 1,
        series: [
          [
            ['a', '1'],
            ['b', 'x'],
          ],
          [['a', '2']],
        ],
      }),
    )
    const { problems, labels, checked } = await verified(inMemory(path))
    expect(labels).toMatchObject({ series: 2, names: 2, pairs: 3, entries: 3 })
    // Its chunks are none of the file, and the meta is of another index.
    expect(problems.filter(problem => problem.startsWith('index: series'))).toEqual([
      expect.stringMatching(/^index: series at \d+: chunk 0 must be within/),
      expect.stringMatching(/^index: series at \d+: chunk 0 must be within/),
    ])
    expect(checked).toMatchObject({ series: 2, lists: 4 })
  })

  it('finds each byte of the index that changed, but for padding', async () => {
    const block = join(QUICKSTART, 'bucket', CHILD)
    const original = new Uint8Array(readFileSync(join(block, 'index')))
    const missed: number[] = []
    for (let at = 0; at < original.length; at += 3) {
      const problems = await afterChange('index', bytes => flip(bytes, at, 0x41), block)
      if (problems.length === 0) missed.push(at)
    }
    // Zeros between series, each of which begins at a multiple of 16, and between sections.
    expect(missed.filter(at => original[at] !== 0)).toEqual([])
    const series = 45
    expect(missed.length).toBeLessThan((15 * series) / 3)
  })

  it('finds each byte of a chunk that changed, and says which chunk', async () => {
    const size = readFileSync(join(BLOCK, 'chunks/000001')).length
    // The three bytes behind the version are not used.
    for (let at = 8; at < size; at += 331) {
      const problems = await afterChange('chunks/000001', bytes => flip(bytes, at, 1))
      expect([at, problems[0]]).toEqual([at, expect.stringMatching(/^chunks\/000001: chunk at \d+: /)])
      const begins = Number(/chunk at (\d+)/.exec(problems[0] ?? '')?.[1])
      expect(begins).toBeLessThanOrEqual(at)
      expect(at - begins).toBeLessThan(900)
    }
  })

  it('tells every problem, where it is, and not only the first', async () => {
    const problems = await afterChange('index', (bytes, view) => {
      const [symbols = 0, series = 0, indices = 0, table = 0, postings = 0, offsets = 0] = tocOf(view)
      // In the tables, a byte of a name.
      for (const at of [symbols + 12, series + 40, indices + 15, table + 12, postings + 11, offsets + 18])
        flip(bytes, at, 0x01)
    })
    const view = new DataView(new Uint8Array(readFileSync(join(BLOCK, 'index'))).buffer)
    const [symbols, , indices, table, postings, offsets] = tocOf(view)
    for (const start of [
      `index: symbols at ${symbols}: CRC-32C must be`,
      `index: label index at ${indices}: CRC-32C must be`,
      `index: label offset table at ${table}: CRC-32C must be`,
      `index: postings at ${postings}: CRC-32C must be`,
      `index: postings offset table at ${offsets}: CRC-32C must be`,
    ]) {
      expect(problems).toContainEqual(expect.stringContaining(start))
    }
    expect(problems).toContainEqual(expect.stringMatching(/^index: series at \d+: CRC-32C must be/))
  })

  /** Changes a list of the index, and makes its checksum right again. */
  const changeList = (change: (refs: DataView, count: number) => void, isWanted: (count: number) => boolean) =>
    afterChange('index', (bytes, view) => {
      const [, , , table = 0, postings = 0] = tocOf(view)
      for (let at = postings; at < table; ) {
        const length = view.getUint32(at)
        if (at > postings && isWanted(view.getUint32(at + 4))) {
          change(new DataView(bytes.buffer, at + 8, length - 4), view.getUint32(at + 4))
          view.setUint32(at + 4 + length, crc32c(bytes.subarray(at + 4, at + 4 + length)))
          return
        }
        at += 8 + length
      }
    })

  it('finds a postings list that names a series that is none, though its checksum is right', async () => {
    const problems = await changeList(
      (refs, count) => refs.setUint32(4 * (count - 1), refs.getUint32(4 * (count - 1)) + 100_000),
      count => count > 3,
    )
    expect(problems).toEqual([
      expect.stringMatching(/^index: postings at \d+: references must be those of series: 1 are not$/),
    ])
  })

  it('finds a postings list that is not in order', async () => {
    const problems = await changeList(
      refs => refs.setUint32(4, refs.getUint32(0)),
      count => count > 3,
    )
    expect(problems).toEqual([expect.stringMatching(/^index: postings at \d+: reference 1 must be > \d+: current/)])
  })

  it('finds series that say other times than their chunks, and that are outside of the meta', async () => {
    const { problems } = await verified(
      inMemory(BLOCK, files => {
        const meta = JSON.parse(new TextDecoder().decode(files.get('meta.json')))
        const text = { ...meta, maxTime: meta.minTime + 3_600_000, stats: { ...meta.stats, numSamples: 7 }, thanos: {} }
        files.set('meta.json', new TextEncoder().encode(JSON.stringify(text)))
      }),
    )
    expect(problems[0]).toMatch(
      /^index: series at \d+: chunk 1 must be within \d+ to \d+ of the meta: current value is/,
    )
  })

  it('finds samples that the meta counts otherwise', async () => {
    const { problems } = await verified(
      inMemory(BLOCK, files => {
        const text = new TextDecoder().decode(files.get('meta.json')).replace('"numSamples": 32400', '"numSamples": 7')
        files.set('meta.json', new TextEncoder().encode(text))
      }),
    )
    expect(problems).toEqual(['meta.json: stats.numSamples: must be 32400: current value is 7'])
  })

  it('finds a chunk file that is not there, once', async () => {
    const { problems } = await verified(
      inMemory(BLOCK, files => {
        const text = new TextDecoder().decode(files.get('meta.json')).replaceAll('000001', '000002')
        files.set('meta.json', new TextEncoder().encode(text))
        files.set('chunks/000002', files.get('chunks/000001') as Uint8Array)
        files.delete('chunks/000001')
      }),
    )
    expect(problems).toEqual(['chunks/000001: must be there: the index has chunks in it'])
  })

  it('tells the first 100 of many, counts the others, and exits with 1', async () => {
    const path = join(folder(), PARENT)
    cpSync(BLOCK, path, { recursive: true })
    const file = join(path, 'chunks/000001')
    const bytes = readFileSync(file)
    for (let at = 60; at < bytes.length; at += 100) flip(bytes, at, 0xff)
    writeFileSync(file, bytes)
    const { code, stdout } = await blockgate(['inspect', path, '--verify'], { cwd: folder() })
    expect(code).toBe(1)
    expect(stdout.match(/^wrong: chunks\/000001: chunk at \d+: /gm)).toHaveLength(100)
    expect(stdout).toMatch(/\n… and 1\d\d problems more\n$/)
    const { problems, problemCount } = jsonLine(
      (await blockgate(['inspect', path, '--verify', '--json'], { cwd: folder() })).stdout,
    )
    expect([problems.length, problemCount]).toEqual([100, expect.any(Number)])
    expect(problemCount).toBeGreaterThan(200)
    rmSync(path, { recursive: true })
  })
})
