import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BROKEN, blockgate, QUICKSTART, UNFINISHED } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const PARENT = '01M82F6PPKPCYJMTRGKGY7ENZS'
const inspect = (...args: string[]) => blockgate(['inspect', ...args], { cwd: QUICKSTART })

/** A copy of a block of the quickstart in a folder of its own. */
function copy(name = PARENT): string {
  const path = join(folder(), name)
  cpSync(join(QUICKSTART, 'bucket', PARENT), path, { recursive: true })
  return path
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

nothing is wrong
`

describe('blockgate inspect', () => {
  it('shows the meta and the files of a folder, without a config', async () => {
    const path = copy()
    const { code, stdout, stderr } = await blockgate(['inspect', path], { cwd: folder() })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`${path}\n${MINE}`)
  })

  it('shows the same of a ULID in the bucket of the config', async () => {
    const { code, stdout } = await inspect(PARENT)
    expect([code, stdout]).toEqual([0, `${PARENT}/ in bucket fs\n${MINE}`])
  })

  it('--json prints the report on one line', async () => {
    const { code, stdout } = await inspect('bucket/01M82F4VYE820537ND9AFJSSVJ', '--json')
    expect([code, stdout.indexOf('\n')]).toEqual([0, stdout.length - 1])
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({
      where: join(QUICKSTART, 'bucket/01M82F4VYE820537ND9AFJSSVJ'),
      meta: { ulid: '01M82F4VYE820537ND9AFJSSVJ', resolution: 0, compaction: { level: 1 } },
      markers: ['deletion-mark.json'],
      index: { version: 2 },
      problems: [],
    })
    expect(report.files.map((f: { path: string }) => f.path)).toEqual([
      'chunks/000001',
      'deletion-mark.json',
      'index',
      'meta.json',
    ])
    expect(report.bytes).toBe(report.files.reduce((sum: number, f: { size: number }) => sum + f.size, 0))
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
    const { code, stdout } = await inspect(copy('01M82F4V3SVSEGMTRS010WXKD6'))
    expect(code).toBe(1)
    expect(stdout).toContain('wrong: meta.json: ulid: must be its folder 01M82F4V3SVSEGMTRS010WXKD6')
  })

  it.each([
    [BROKEN, 'wrong: meta.json: must be JSON: it ends at byte 120\n'],
    [UNFINISHED, 'wrong: meta.json: must be there\n'],
  ])('shows the files of %s, which cannot be loaded', async (id, line) => {
    const { code, stdout } = await inspect(id)
    expect(code).toBe(1)
    expect(stdout).toContain(' chunks/000001\n')
    expect(stdout.endsWith(line)).toBe(true)
  })

  it('says that a ULID is not in the bucket, and exits with 1', async () => {
    const { code, stdout } = await inspect('01M82F4V3SVSEGMTRS010WXKD6')
    expect([code, stdout]).toEqual([1, '01M82F4V3SVSEGMTRS010WXKD6/ in bucket fs: there is nothing\n'])
  })

  it('takes what is neither a folder nor a ULID for bad usage', async () => {
    const { code, stderr } = await inspect('./not-there')
    expect(code).toBe(2)
    expect(stderr).toBe('blockgate: a block must be named by its ULID, 26 characters: current value is "./not-there"\n')
  })

  it.each([
    ['', 'deletion-mark.json: must be JSON: it is empty'],
    [
      `{"id":"${PARENT}","version":2,"deletion_time":1790900000}`,
      'deletion-mark.json: version: must be 1: current value is 2',
    ],
    [
      `{"id":"${PARENT}","version":1,"deletion_time":"1790900000"}`,
      'deletion-mark.json: deletion_time: must be a number',
    ],
    [
      `{"id":"${BROKEN}","version":1,"deletion_time":1790900000}`,
      `deletion-mark.json: id: must be its folder ${PARENT}`,
    ],
    [
      `{"id":"${PARENT}","version":1,"deletion_time":1790900000000}`,
      'deletion-mark.json: deletion_time: must be in seconds',
    ],
    [
      `{"id":"${PARENT}","version":1,"deletion_time":99000000000}`,
      'deletion-mark.json: deletion_time: must not be in the future',
    ],
  ])('tells what is wrong with a deletion mark that cannot be used, and exits with 1: %s', async (mark, wrong) => {
    const path = copy()
    writeFileSync(join(path, 'deletion-mark.json'), mark)
    const { code, stdout } = await inspect(path)
    expect([code, stdout]).toEqual([1, expect.stringContaining(`\nwrong: ${wrong}`)])
    expect(stdout).not.toContain('  marked  ')
  })

  it('tells when a block was marked for deletion', async () => {
    const path = copy()
    writeFileSync(
      join(path, 'deletion-mark.json'),
      `{"id":"${PARENT.toLowerCase()}","version":1,"deletion_time":1790900000}`,
    )
    const { code, stdout } = await inspect(path)
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('\n  marked      for deletion at 2026-10-02T00:13:20.000Z\n'),
    ])
    expect(JSON.parse((await inspect(path, '--json')).stdout)).toMatchObject({ deletionTime: 1_790_900_000_000 })
  })

  it('tells times that cannot be, and exits with 1', async () => {
    const path = copy()
    const meta = JSON.parse(readFileSync(join(path, 'meta.json'), 'utf8'))
    writeFileSync(join(path, 'meta.json'), JSON.stringify({ ...meta, minTime: 1790812800, maxTime: 1790834370 }))
    const { code, stdout } = await inspect(path)
    expect([code, stdout]).toEqual([1, expect.stringContaining('wrong: meta.json: maxTime: must be in milliseconds')])
  })
})
