import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BROKEN, blockgate, configText, QUICKSTART } from '../support/cli.ts'
import { endedBy, folder, jsonLine, projectOf, projectWith, running } from './world.ts'

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
/** With the first block only; the rest would only make the test longer. */
const gated = () =>
  projectWith(
    `{ kind: 'set', name: 'first', select: all => all.map(({ meta: { ulid: id } }, i) => i === 0 ? { id } : { id, skip: 'not-first' }) }, gate,`,
    GATE,
  )

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
    const options = { cwd: QUICKSTART, env: { DIR: folder() } }
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], options)
    expect([code, stderr]).toEqual([1, ''])
    const summary = jsonLine(stdout)
    expect(summary).toEqual({
      run: { id: expect.any(String), reason: 'manual', complete: true, listed: 'all', durationMs: expect.any(Number) },
      stages: expect.any(Array),
      blocks: { seen: 15, added: 8, unchanged: 0, skipped: 6, failed: 1, dropped: 0, retained: 0 },
      failures: [{ block: BROKEN, by: 'scan-bucket', code: 'corrupted-meta-json', message: expect.any(String) }],
      notes: { count: 0, first: [] },
      marked: { count: 1, oldest: Date.UTC(2026, 9, 2), newest: Date.UTC(2026, 9, 2) },
    })
    expect(summary.stages).toHaveLength(8)
    expect(summary.stages[1]).toEqual({ name: 'time-range', in: 13, out: 11, skipped: { 'time-excluded': 2 } })
    const again = await blockgate(['sync', '--json'], options)
    expect(JSON.parse(again.stdout).blocks).toMatchObject({ added: 0, unchanged: 8 })
    // A process that exits at its end leaves no load in the journal: a warning would stand here.
    expect(again.stderr).toBe('')
  })

  it('exits with 0 where every block is fine, and with 1 where the view was incomplete', async () => {
    const { code, stdout } = await blockgate(['sync', '--json'], projectWith())
    expect([code, JSON.parse(stdout).blocks]).toEqual([0, expect.objectContaining({ seen: 14, failed: 0 })])
    const head = `const some = { kind: 'source', name: 'some', async *pages() { return { complete: false } } }`
    const part = await blockgate(['sync'], projectOf(configText('', head).replace('scanBucket(), ', 'some, ')))
    expect([part.code, part.stdout]).toEqual([
      1,
      expect.stringMatching(/^manual run done in .* s, the view was incomplete\n/),
    ])
  })

  it('exits with 1 where drops wait for a confirmation, and drops with --confirm-drops', async () => {
    const made = projectWith(
      `{ kind: 'block', name: 'none', handle: async (_, next) => env.NONE ? skip('unwanted') : next() },`,
    )
    expect((await blockgate(['sync'], made)).code).toBe(0)
    const waits = await blockgate(['sync'], { ...made, env: { NONE: '1' } })
    expect(waits.code).toBe(1)
    expect(waits.stdout).toContain('  13 drops wait for a confirmation (--confirm-drops): these blocks are kept\n')
    const drops = await blockgate(['sync', '--json', '--confirm-drops'], { ...made, env: { NONE: '1' } })
    expect([drops.code, JSON.parse(drops.stdout).blocks]).toEqual([0, expect.objectContaining({ dropped: 13 })])
  })

  it('exits with 4 where a filter lets nothing through, and with 0 where the bucket is empty', async () => {
    const head = "import { matchLabels } from 'blockgate/plugins/filter/match-labels'"
    const stage = "matchLabels({ relabel: [{ action: 'keep', sourceLabels: ['cluster'], regex: 'nowhere' }] }),"
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], projectWith(stage, head))
    expect([code, JSON.parse(stdout).blocks.added]).toEqual([4, 0])
    expect(stderr).toContain('"code":"nothing-served"')
    const made = projectWith()
    renameSync(made.bucket, join(made.folder, 'b2'))
    mkdirSync(made.bucket)
    expect(await blockgate(['sync'], made)).toMatchObject({ code: 0, stderr: '' })
  })

  it('exits with 2 where the exporter of traces is configured wrongly', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'not a url' }
    const { code, stderr } = await blockgate(['sync'], { ...projectWith(), env })
    expect([code, stderr]).toEqual([2, expect.stringContaining('invalid-config: ')])
  })

  it('exits with 3 where the gateway cannot start: the root of the bucket is gone', async () => {
    const made = projectWith()
    rmSync(made.bucket, { recursive: true })
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], made)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/^.*blockgate: bucket-failed: Cannot start "bucket": .*\n$/s)
  })

  it('exits with 3 where the run fails, and still prints its summary; of a listing that failed no table of zeros', async () => {
    const made = projectWith(`{ kind: 'set', name: 'broken', select: () => [] },`)
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], made)
    expect([code, JSON.parse(stdout).blocks.added]).toEqual([3, 0])
    expect(stderr).toContain('blockgate: the run failed: selection-invalid: select() must name every block')
    expect((await blockgate(['sync'], made)).stdout).toContain('  broken: selection-invalid: ')
    const source = `const broken = { kind: 'source', name: 'broken', async *pages() { throw new Error('the bucket is gone') } }`
    const gone = await blockgate(['sync'], projectOf(configText('', source).replace('scanBucket(), ', 'broken, ')))
    const text = 'manual run failed in N s\n\n  broken: listing-failed: the bucket is gone\n\n'
    expect([gone.code, gone.stdout.replace(/in .* s/, 'in N s')]).toEqual([3, text])
  })

  it('steers no terminal with what an error quotes', async () => {
    const head = `const key = 'a\\u001b[2Jb\\u009bc\\nd'`
    const bucket = `bucket: { ...fs({ root: './bucket' }), async start() { throw new Error(key) } },`
    const { code, stderr } = await blockgate(['sync'], projectWith('', head, bucket))
    expect([code, stderr]).toEqual([3, expect.stringContaining('a\\u001b[2Jb\\u009bc\nd')])
  })

  it('leaves a folder that may not be read at the root of the data folder alone, unless it may be a block', async () => {
    // A volume of its own has a `lost+found` that is root's.
    const config = configText('').replace(
      /import \{ directory.*/,
      "import { indexHeaders } from 'blockgate/plugins/sink/index-headers'",
    )
    const made = projectOf(config.replace('directory()', 'indexHeaders()'))
    const sync = async (name: string) => {
      const path = join(made.folder, 'data', name)
      mkdirSync(path, { recursive: true })
      chmodSync(path, 0)
      const ended = await blockgate(['sync'], { ...made, powerless: true })
      chmodSync(path, 0o700)
      return ended
    }
    expect(await sync('lost+found')).toMatchObject({ code: 0, stderr: '' })
    const failed = expect.stringMatching(/cannot list ".*01M82F4V503551737ZN8E730F8": EACCES: permission denied/)
    expect(await sync('01M82F4V503551737ZN8E730F8')).toMatchObject({ code: 3, stderr: failed })
  })

  it('a stray rejection is a crash, as Node has it: no result that may be wrong is printed', async () => {
    const stray = `{ kind: 'set', name: 'stray', select(all) { Promise.reject(new Error('stray')); return new Promise(() => {}) } },`
    expect(await blockgate(['sync'], projectWith(stray))).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('blockgate sync while it goes on', () => {
  it('tells the progress in lines of text where there is no terminal', async () => {
    const made = gated()
    const sync = running(['sync', '--json'], made)
    await sync.printed('1 in flight')
    made.write('open', '')
    const { code, stdout, stderr } = await sync.ended
    expect([code, JSON.parse(stdout).blocks.added]).toEqual([0, 1])
    expect(stderr).toMatch(/^manual: 13 of 14 blocks \(92%\), 1 in flight, 0\.\d s$/m)
    expect(stderr).not.toContain('\u001b')
  })

  it('at SIGTERM lets the add in flight finish, tells the summary, and exits with 143', async () => {
    const made = gated()
    const sync = running(['sync', '--json'], made)
    await sync.printed('at the gate')
    sync.child.kill('SIGTERM')
    await sync.printed('SIGTERM: stopping')
    made.write('open', '')
    const { code, stdout } = await sync.ended
    expect([code, JSON.parse(stdout)]).toMatchObject([143, { run: { complete: false }, blocks: { added: 1 } }])
  })

  it('at a second signal ends at once, whatever hangs', async () => {
    const sync = running(['sync'], gated())
    await sync.printed('at the gate')
    sync.child.kill('SIGINT')
    expect(await endedBy('SIGINT', sync, 'SIGINT: stopping')).toMatchObject({ code: 130, stdout: '' })
  })

  it('draws a live line on a terminal, and leaves nothing of it', async () => {
    const made = gated()
    const sync = running(['sync'], { ...made, env: { TERM: 'xterm' }, terminal: true })
    await sync.printed('1 in flight')
    made.write('open', '')
    const { code, stdout } = await sync.ended
    const text = stdout.replaceAll('\u001b', 'ESC')
    expect(code).toBe(0)
    expect(text).toMatch(/\rESC\[2Kmanual: 13 of 14 blocks \(92%\), [^\n]*1 in flight/)
    expect(text.slice(text.lastIndexOf('ESC[2K'))).toMatch(/^ESC\[2KESC\[1mmanual run done/)
  })
})
