import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BROKEN, blockgate, configText, project, QUICKSTART, start } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()

/** Waits in the stage `gate` until the file `open` is there; says so. */
const GATE = `import { existsSync, watch } from 'node:fs'
const gate = {
  kind: 'block', name: 'gate',
  async handle(block, next) {
    const opened = new Promise(resolve => {
      const watcher = watch('.', () => { if (existsSync('open')) { watcher.close(); resolve() } })
    })
    process.stderr.write('at the gate\\n')
    await opened
    return next()
  },
}`
/** Only the first block; the rest would only make the test longer. */
const FIRST = `{ kind: 'set', name: 'first', select: all => all.map((b, i) => i === 0 ? { id: b.meta.ulid } : { id: b.meta.ulid, skip: 'not-first' }) },`

function projectWith(config: string) {
  const made = project(folder())
  made.write('blockgate.config.ts', config)
  return { ...made, cwd: made.folder }
}

describe('blockgate sync', () => {
  it('prints what became of the blocks of the quickstart, and exits with 1 because one of them is broken', async () => {
    const { code, stdout, stderr } = await blockgate(['sync'], { cwd: QUICKSTART, env: { DIR: folder() } })
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout.replace(/in \d+\.\d s/, 'in N s')).toBe(`manual run done in N s

  15 blocks seen: 8 added, 0 unchanged, 6 skipped, 1 failed
  added: 01M82F4V503551737ZN8E730F7, 01M82F4V7QRSS3ZXX5B79WSYB8, 01M82F4V9BTFYFEC6GPQAEZV4A, 01M82F4VDCKV5P1AE8TY1JYT42, 01M82F4VQM6SD9EGRVYX8CY5E5, 01M82F4VSVSEGMTRS010WXKD6N, 01M82F4VWX38GAYXSEWX502330, 01M82F6PPKPCYJMTRGKGY7ENZS

  stage              in  out  skipped because
  scan-bucket        15   13  1 no-meta-json
  time-range         13   11  2 time-excluded
  consistency-delay  11   11
  not-deleted        11   10  1 marked-for-deletion
  dedup              10    8  2 duplicate
  newest-first        8    8
  owned               8    8
  directory           8    8

  marked for deletion: 1, at 2026-10-02T00:00:00.000Z

  failed
  ${BROKEN}  scan-bucket: corrupted-meta-json: meta.json: must be JSON: it ends at byte 120

  held now: 8
`)
  })

  it('--json prints exactly the summary, on one line, and nothing else on stdout', async () => {
    const DIR = folder()
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], { cwd: QUICKSTART, env: { DIR } })
    expect([code, stderr, stdout.trimEnd().includes('\n')]).toEqual([1, '', false])
    expect(JSON.parse(stdout)).toEqual({
      run: { id: expect.any(String), reason: 'manual', complete: true, durationMs: expect.any(Number) },
      stages: [
        { name: 'scan-bucket', in: 15, out: 13, skipped: { 'no-meta-json': 1 } },
        { name: 'time-range', in: 13, out: 11, skipped: { 'time-excluded': 2 } },
        { name: 'consistency-delay', in: 11, out: 11, skipped: {} },
        { name: 'not-deleted', in: 11, out: 10, skipped: { 'marked-for-deletion': 1 } },
        { name: 'dedup', in: 10, out: 8, skipped: { duplicate: 2 } },
        { name: 'newest-first', in: 8, out: 8, skipped: {} },
        { name: 'owned', in: 8, out: 8, skipped: {} },
        { name: 'directory', in: 8, out: 8, skipped: {} },
      ],
      blocks: { seen: 15, added: 8, unchanged: 0, skipped: 6, failed: 1, dropped: 0, retained: 0 },
      failures: [
        {
          block: BROKEN,
          by: 'scan-bucket',
          code: 'corrupted-meta-json',
          message: 'meta.json: must be JSON: it ends at byte 120',
        },
      ],
      notes: { count: 0, first: [] },
      marked: { count: 1, oldest: Date.UTC(2026, 9, 2), newest: Date.UTC(2026, 9, 2) },
    })
    const again = await blockgate(['sync', '--json'], { cwd: QUICKSTART, env: { DIR } })
    expect(JSON.parse(again.stdout).blocks).toMatchObject({ added: 0, unchanged: 8 })
    // No death is left in the journal by a process that exits at its end: a warning would stand here.
    expect(again.stderr).toBe('')
  })

  it('exits with 0 where every block is fine', async () => {
    const { code, stdout } = await blockgate(['sync', '--json'], projectWith(configText('')))
    expect([code, JSON.parse(stdout).blocks]).toEqual([0, expect.objectContaining({ seen: 14, failed: 0 })])
  })

  it('exits with 1 where the view was incomplete', async () => {
    const head = `const some = { kind: 'source', name: 'some', async *pages() { return { complete: false } } }`
    const { code, stdout } = await blockgate(
      ['sync'],
      projectWith(configText('', head).replace('scanBucket(), ', 'some, ')),
    )
    expect(code).toBe(1)
    expect(stdout).toMatch(/^manual run done in .* s, the view was incomplete\n/)
  })

  it('exits with 1 where drops wait for a confirmation, and drops with --confirm-drops', async () => {
    const skipAll = `{ kind: 'block', name: 'none', handle: async (_, next) => env.NONE ? skip('unwanted') : next() },`
    const made = projectWith(configText(skipAll))
    expect((await blockgate(['sync'], made)).code).toBe(0)
    const waits = await blockgate(['sync'], { ...made, env: { NONE: '1' } })
    expect(waits.code).toBe(1)
    expect(waits.stdout).toContain('  13 drops wait for a confirmation (--confirm-drops): these blocks are kept\n')
    const drops = await blockgate(['sync', '--json', '--confirm-drops'], { ...made, env: { NONE: '1' } })
    expect([drops.code, JSON.parse(drops.stdout).blocks]).toEqual([0, expect.objectContaining({ dropped: 13 })])
  })

  it('exits with 3 where the gateway cannot start: the root of the bucket is gone', async () => {
    const made = projectWith(configText(''))
    rmSync(made.bucket, { recursive: true })
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], made)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/^.*blockgate: bucket-failed: Cannot start "bucket": .*\n$/s)
  })

  it('steers no terminal with what an error quotes', async () => {
    const head = `const key = 'a\\u001b[2Jb\\u009bc\\nd'`
    const bucket = `bucket: { ...fs({ root: './bucket' }), async start() { throw new Error(key) } },`
    const { code, stderr } = await blockgate(['sync'], projectWith(configText('', head, bucket)))
    expect([code, stderr]).toEqual([3, expect.stringContaining('a\\u001b[2Jb\\u009bc\nd')])
  })

  it('exits with 3 where the run fails, and still prints its summary', async () => {
    const broken = `{ kind: 'set', name: 'broken', select: () => [] },`
    const made = projectWith(configText(broken))
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], made)
    expect([code, JSON.parse(stdout).blocks.added]).toEqual([3, 0])
    expect(stderr).toContain('blockgate: the run failed: selection-invalid: select() must name every block')
    const text = await blockgate(['sync'], made)
    expect(text.stdout).toContain('  broken: selection-invalid: ')
  })

  it('exits with 2 where the exporter of traces is configured wrongly', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'not a url' }
    const { code, stderr } = await blockgate(['sync'], { ...projectWith(configText('')), env })
    expect([code, stderr]).toEqual([2, expect.stringContaining('invalid-config: ')])
  })

  it('tells its progress in plain lines where stderr is no terminal', async () => {
    const made = projectWith(configText(`${FIRST} gate,`, GATE))
    const running = start(['sync', '--json'], made)
    await running.printed('1 in flight')
    made.write('open', '')
    const { code, stdout, stderr } = await running.ended
    expect([code, JSON.parse(stdout).blocks.added]).toEqual([0, 1])
    expect(stderr).toMatch(/^manual: 13 of 14 blocks \(92%\), 1 in flight, 0\.\d s$/m)
    expect(stderr).not.toContain('\u001b')
  })

  it('at SIGTERM lets the add in flight finish, tells the summary, and exits with 143', async () => {
    const made = projectWith(configText(`${FIRST} gate,`, GATE))
    const running = start(['sync', '--json'], made)
    await running.printed('at the gate')
    running.child.kill('SIGTERM')
    await running.printed('SIGTERM: stopping')
    made.write('open', '')
    const { code, stdout } = await running.ended
    expect(code).toBe(143)
    expect(JSON.parse(stdout)).toMatchObject({ run: { complete: false }, blocks: { added: 1 } })
  })

  it('at a second signal ends at once, whatever hangs', async () => {
    const running = start(['sync'], projectWith(configText(`${FIRST} gate,`, GATE)))
    await running.printed('at the gate')
    running.child.kill('SIGINT')
    await running.printed('SIGINT: stopping')
    running.child.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 130, stdout: '' })
  })

  it('draws a live line on a terminal, and leaves nothing of it', async () => {
    const made = projectWith(configText(`${FIRST} gate,`, GATE))
    const running = start(['sync'], { ...made, env: { TERM: 'xterm' }, terminal: true })
    await running.printed('1 in flight')
    made.write('open', '')
    const { code, stdout } = await running.ended
    const text = stdout.replaceAll('\u001b', 'ESC')
    expect(code).toBe(0)
    expect(text).toMatch(/\rESC\[2Kmanual: 13 of 14 blocks \(92%\), [^\n]*1 in flight/)
    expect(text.slice(text.lastIndexOf('ESC[2K'))).toMatch(/^ESC\[2KESC\[1mmanual run done/)
  })
})
