import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BROKEN, blockgate, configText, project, QUICKSTART, start, UNFINISHED } from '../support/cli.ts'
import { freePorts } from '../support/free-ports.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
/** Nothing listens there. */
const [port = 0] = await freePorts(1)
const HTTP = `127.0.0.1:${port}`
const NO_EVENTS = `no events: no gateway answers at http://${HTTP}: connect ECONNREFUSED ${HTTP}`
/** Compacted from three others; one of them. */
const PARENT = '01M82F6PPKPCYJMTRGKGY7ENZS'
const CHILD = '01M82F4V1KFE99C9W1MH5YWA1N'
const explain = (id: string, DIR = join(folder(), 'data'), ...more: string[]) =>
  blockgate(['explain', id, ...more], { cwd: QUICKSTART, env: { DIR, HTTP } })

describe('blockgate explain', () => {
  it('tells what each stage says of a block that would be added', async () => {
    const { code, stdout, stderr } = await explain(PARENT)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`${PARENT}, of 15 blocks
  time    2026-10-01T00:00:00.000Z to 2026-10-01T05:59:30.001Z (5h 59m 30s 1ms)
  labels  {cluster="eu", replica="a"}
  level   2, from 3 sources

  source  scan-bucket        passed
  block   time-range         passed
  block   consistency-delay  passed
  block   not-deleted        passed
  set     dedup              passed
  set     newest-first       passed
  block   owned              decided at the add (claim() of static-shard is asked at the add)
  sink    directory          decided at the add

passes every stage that can be asked now; who owns it is asked at the add

${NO_EVENTS}
`)
  })

  it('names the block that supersedes a duplicate, and says that it is held', async () => {
    const { code, stdout } = await explain(CHILD)
    expect(code).toBe(0)
    expect(stdout).toContain(`\n  set     dedup              skipped: duplicate (${PARENT} holds all of it)\n`)
    expect(stdout).toContain('\nskipped by dedup: duplicate\nThe sink does not hold it.\n\nno events: ')
    const DIR = folder()
    expect((await blockgate(['sync'], { cwd: QUICKSTART, env: { DIR } })).code).toBe(1)
    expect((await explain(PARENT, DIR)).stdout).toMatch(
      / sink {4}directory {10}passed\n\npasses every stage, and is held\n\nno events: /,
    )
  })

  it.each([
    [UNFINISHED, 'skipped: no-meta-json', 'in the bucket, but cannot be offered: no-meta-json'],
    [
      BROKEN,
      'failed: corrupted-meta-json (meta.json: must be JSON: it ends at byte 120)',
      'cannot be offered: corrupted-meta-json',
    ],
  ])('says that %s is partial, and exits with 1', async (id, source, conclusion) => {
    const { code, stdout } = await explain(id)
    expect(code).toBe(1)
    expect(stdout).toContain(`\n  source  scan-bucket        ${source}\n  block   time-range         -\n`)
    expect(stdout).toContain(conclusion)
  })

  it('says that a block is not in the bucket, and exits with 1', async () => {
    const { code, stdout } = await explain('01M82F4V3SVSEGMTRS010WXKD6')
    expect(code).toBe(1)
    expect(stdout).toBe(
      `01M82F4V3SVSEGMTRS010WXKD6, of 15 blocks\n\nnot in the bucket\nThe sink does not hold it.\n\n${NO_EVENTS}\n`,
    )
  })

  it('--json prints the explanation on one line', async () => {
    const { code, stdout } = await explain(PARENT, undefined, '--json')
    expect([code, stdout.indexOf('\n')]).toEqual([0, stdout.length - 1])
    expect(JSON.parse(stdout)).toMatchObject({
      block: PARENT,
      verdict: 'passed',
      loaded: false,
      view: { complete: true, blocks: 15 },
      candidate: { meta: { ulid: PARENT, labels: { cluster: 'eu', replica: 'a' } }, path: `${PARENT}/` },
      steps: expect.arrayContaining([{ stage: 'dedup', kind: 'set', verdict: 'passed' }]),
      gateway: { problem: NO_EVENTS.slice('no events: '.length) },
    })
  })

  it.each([
    ['not-a-ulid', ''],
    ['../../etc/passwd', ''],
    [PARENT.toLowerCase(), `: did you mean ${PARENT}?`],
    [`8${PARENT.slice(1)}`, ''],
  ])('does not take %s for a ULID', async (text, hint) => {
    const { code, stderr } = await explain(text)
    expect(code).toBe(2)
    expect(stderr).toBe(
      `blockgate: a block must be named by its ULID, 26 characters: current value is "${text}"${hint}\n`,
    )
  })

  it('changes nothing on the disk, not even the temp files of a gateway that is loading there', async () => {
    const made = project(folder())
    const DIR = join(made.folder, 'data')
    const cwd = made.folder
    made.write('blockgate.config.ts', configText(''))
    expect((await blockgate(['explain', PARENT], { cwd })).code).toBe(0)
    expect(existsSync(DIR)).toBe(false)
    await blockgate(['sync'], { cwd })
    mkdirSync(join(DIR, 'blocks/.blockgate-tmp'), { recursive: true })
    made.write(`data/blocks/.blockgate-tmp/${CHILD}`, '')
    made.write('data/state/.tmp-1', '')
    const before = readdirSync(DIR, { recursive: true }).sort()
    expect((await blockgate(['explain', PARENT], { cwd })).code).toBe(0)
    expect(readdirSync(DIR, { recursive: true }).sort()).toEqual(before)
  })

  it('ends with 130 at SIGINT', async () => {
    const waits = `{ kind: 'block', name: 'waits', handle: block => new Promise((_, reject) => {
      process.stderr.write('in flight\\n')
      block.signal.addEventListener('abort', () => reject(block.signal.reason))
    }) }, dedup(),`
    const made = project(folder())
    made.write('blockgate.config.ts', configText(waits))
    const running = start(['explain', PARENT], { cwd: made.folder })
    await running.printed('in flight')
    running.child.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 130, stdout: '' })
  })

  it('exits with 3 where the view cannot be had', async () => {
    const made = project(folder())
    made.write('blockgate.config.ts', configText(`{ kind: 'set', name: 'broken', select: () => [] },`))
    const { code, stdout, stderr } = await blockgate(['explain', PARENT], { cwd: made.folder })
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('blockgate: selection-invalid: select() must name every block exactly once')
  })
})
