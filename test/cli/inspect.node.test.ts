import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BROKEN, blockgate, QUICKSTART, UNFINISHED } from '../support/cli.ts'
import { ABSENT, folder, jsonLine, PARENT } from './world.ts'

const inspect = (...args: string[]) => blockgate(['inspect', ...args], { cwd: QUICKSTART })

/** A copy of a block of the quickstart in a folder of its own. */
function copy(name = PARENT): string {
  const path = join(folder(), name)
  cpSync(join(QUICKSTART, 'bucket', PARENT), path, { recursive: true })
  return path
}

/** What is printed of a copy with this file in it. */
async function inspected(name: string, text: string) {
  const path = copy()
  writeFileSync(join(path, name), text)
  return { path, ...(await inspect(path)) }
}

const MINE = `  ulid        ${PARENT}
  time        2026-10-01T00:00:00.000Z to 2026-10-01T05:59:30.001Z (5h 59m 30s 1ms)
  labels      {cluster="eu", replica="a"}
  level       2, from 3 sources
  resolution  raw
  source      compactor
  uploaded    not told
  index       version 2, 31 symbols, 25 postings lists
  markers     none

    66.5 kB  chunks/000001
     5.8 kB  index
     1.1 kB  meta.json
    73.4 kB  in 3 files

labels  45 series, 6 names, 24 pairs, 159 in all series
     values  label
          7  __name__
          5  le
          3  code
          3  instance
          3  job
          3  sensor

     series  metric name
         15  request_seconds_bucket
          9  http_requests_total
          9  up
          3  memory_bytes
          3  request_seconds_count
          3  request_seconds_sum
          3  temperature_celsius

     series  label pair
         33  job="api"
         15  __name__="request_seconds_bucket"
         15  instance="10.0.0.1:9100"
         15  instance="10.0.0.2:9100"
         15  instance="10.0.0.3:9100"
          9  __name__="http_requests_total"
          9  __name__="up"
          6  job="node"
          3  __name__="memory_bytes"
          3  __name__="request_seconds_count"

chunks  270, with 32,400 samples
     chunks      samples       bytes  encoding
        270       32,400     64.7 kB  XOR

     chunks  samples each
        270  109 to 120       ########################################

nothing is wrong
`

describe('blockgate inspect', () => {
  it('shows the meta and the files of a folder, without a config', async () => {
    const path = copy()
    const ended = await blockgate(['inspect', path], { cwd: folder() })
    expect(ended).toEqual({ code: 0, stdout: `${path}\n${MINE}`, stderr: '' })
  })

  it('shows the same of a ULID in the bucket of the config', async () => {
    expect(await inspect(PARENT)).toMatchObject({ code: 0, stdout: `${PARENT}/ in bucket fs\n${MINE}` })
  })

  it('--json prints the report on one line', async () => {
    const ulid = '01M82F4VYE820537ND9AFJSSVJ'
    const { code, stdout } = await inspect(`bucket/${ulid}`, '--json')
    const { files, bytes, ...report } = jsonLine(stdout)
    expect([code, report]).toMatchObject([
      0,
      {
        where: join(QUICKSTART, 'bucket', ulid),
        meta: { ulid, resolution: 0, compaction: { level: 1 } },
        markers: ['deletion-mark.json'],
        index: { version: 2 },
        problems: [],
      },
    ])
    const paths = files.map((f: { path: string }) => f.path)
    expect(paths).toEqual(['chunks/000001', 'deletion-mark.json', 'index', 'meta.json'])
    expect(bytes).toBe(files.reduce((sum: number, f: { size: number }) => sum + f.size, 0))
  })

  it('tells each file that is missing or has another size than the meta declares, and exits with 1', async () => {
    const path = copy()
    rmSync(join(path, 'chunks'), { recursive: true })
    writeFileSync(join(path, 'index'), 'short')
    const { code, stdout } = await inspect(path)
    expect(code).toBe(1)
    expect(stdout.split('\n').filter(line => line.startsWith('wrong: '))).toEqual([
      'wrong: chunks/000001: must be there: the meta declares it',
      expect.stringMatching(/^wrong: index: must have \d+ bytes: current value is 5$/),
      'wrong: chunks: must be there: none is',
      expect.stringMatching(/^wrong: index: size must be \d+ to \d+ bytes: current value is 5$/),
    ])
  })

  it('tells an index whose end is cut off', async () => {
    const path = copy()
    truncateSync(join(path, 'index'), 5000)
    const { code, stdout } = await inspect(path, '--json')
    const { problems, index } = JSON.parse(stdout)
    expect([code, index]).toEqual([1, undefined])
    expect(problems).toEqual([
      expect.stringMatching(/^index: must have \d+ bytes: current value is 5000$/),
      expect.stringMatching(/^index: TOC at 4948/),
    ])
  })

  it('tells a meta of another block, and takes any name for the folder of a copy', async () => {
    expect((await inspect(copy('my-copy'))).code).toBe(0)
    const { code, stdout } = await inspect(copy(ABSENT))
    expect([code, stdout]).toEqual([1, expect.stringContaining(`wrong: meta.json: ulid: must be its folder ${ABSENT}`)])
  })

  it.each([
    [BROKEN, 'wrong: meta.json: must be JSON: it ends at byte 120\n'],
    [UNFINISHED, 'wrong: meta.json: must be there\n'],
  ])('shows the files of %s, which cannot be loaded', async (id, line) => {
    const { code, stdout } = await inspect(id)
    expect([code, stdout]).toEqual([1, expect.stringContaining(' chunks/000001\n')])
    expect(stdout.endsWith(line)).toBe(true)
  })

  it('says that a ULID is not in the bucket, and takes what is neither a folder nor a ULID for bad usage', async () => {
    expect(await inspect(ABSENT)).toMatchObject({ code: 1, stdout: `${ABSENT}/ in bucket fs: there is nothing\n` })
    const must = 'blockgate: a block must be named by its ULID, 26 characters: current value is "./not-there"\n'
    expect(await inspect('./not-there')).toMatchObject({ code: 2, stderr: must })
  })

  const mark = (given: object) => JSON.stringify({ id: PARENT, version: 1, deletion_time: 1_790_900_000, ...given })
  it.each([
    ['', 'must be JSON: it is empty'],
    [mark({ version: 2 }), 'version: must be 1: current value is 2'],
    [mark({ deletion_time: '1790900000' }), 'deletion_time: must be a number'],
    [mark({ id: BROKEN }), `id: must be its folder ${PARENT}`],
    [mark({ deletion_time: 1_790_900_000_000 }), 'deletion_time: must be in seconds'],
    [mark({ deletion_time: 99_000_000_000 }), 'deletion_time: must not be in the future'],
  ])('tells what is wrong with a deletion mark that cannot be used, and exits with 1: %s', async (text, wrong) => {
    const { code, stdout } = await inspected('deletion-mark.json', text)
    expect([code, stdout]).toEqual([1, expect.stringContaining(`\nwrong: deletion-mark.json: ${wrong}`)])
    expect(stdout).not.toContain('  marked  ')
  })

  it('tells when a block was marked for deletion', async () => {
    const { path, code, stdout } = await inspected('deletion-mark.json', mark({ id: PARENT.toLowerCase() }))
    const line = '\n  marked      for deletion at 2026-10-02T00:13:20.000Z\n'
    expect([code, stdout]).toEqual([0, expect.stringContaining(line)])
    expect(JSON.parse((await inspect(path, '--json')).stdout)).toMatchObject({ deletionTime: 1_790_900_000_000 })
  })

  it('tells times that cannot be, and exits with 1', async () => {
    const meta = JSON.parse(readFileSync(join(QUICKSTART, 'bucket', PARENT, 'meta.json'), 'utf8'))
    const text = JSON.stringify({ ...meta, minTime: 1790812800, maxTime: 1790834370 })
    const wrong = expect.stringContaining('wrong: meta.json: maxTime: must be in milliseconds')
    expect(await inspected('meta.json', text)).toMatchObject({ code: 1, stdout: wrong })
  })
})
