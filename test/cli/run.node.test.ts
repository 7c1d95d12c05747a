import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { blockgate, configText, QUICKSTART } from '../support/cli.ts'
import { PATIENCE } from '../support/patience.ts'
import { endedBy, folder, hanging, projectOf, projectWith, running } from './world.ts'

const run = (options: Parameters<typeof running>[1]) => running(['run'], options)
const quickstart = () => run({ cwd: QUICKSTART, env: { DIR: folder(), HTTP: '127.0.0.1:0' } })

/** The lines of the log, as objects. */
const lines = (stderr: string): Record<string, unknown>[] =>
  stderr
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

/** Keeps the bodies that are sent to it. */
async function collector() {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request.setEncoding('latin1')) body += part
    bodies.push(body)
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { bodies, port: (server.address() as AddressInfo).port }
}

describe('blockgate run', () => {
  it('serves HTTP with its metrics, goes on after the first run, and ends with 0 at SIGTERM', async () => {
    const gateway = quickstart()
    await gateway.printed('run done')
    const url = /"url":"([^"]+)"/.exec(gateway.stderr)?.[1] ?? ''
    expect((await fetch(`${url}/-/ready`)).status).toBe(200)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('blockgate_blocks_loaded 8\n')
    const { code, stdout, stderr } = await endedBy('SIGTERM', gateway, 'run done')
    expect([code, stdout]).toEqual([0, ''])
    expect(lines(stderr).map(line => line.message)).toEqual([
      'gateway starting',
      'http server listening',
      'blocks failed',
      'run done',
      'ready',
      'SIGTERM: stopping; a second signal ends at once',
      'gateway stopped',
    ])
    expect(lines(stderr)[3]).toMatchObject({ level: 'info', reason: 'startup', added: 8, failed: 1 })
  })

  it('tells systemd when it is ready and when it stops', async () => {
    const bin = folder()
    const told = join(bin, 'told')
    writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $1" >> ${told}\n`, { mode: 0o755 })
    const env = { DIR: folder(), HTTP: '127.0.0.1:0', NOTIFY_SOCKET: '/run/notify', PATH: `${bin}:${process.env.PATH}` }
    const gateway = run({ cwd: QUICKSTART, env })
    await gateway.printed('run done')
    await vi.waitFor(() => expect(readFileSync(told, 'utf8')).toBe('/run/notify READY=1\n'), PATIENCE)
    const { code, stderr } = await endedBy('SIGTERM', gateway, 'run done')
    expect([code, stderr.includes('systemd')]).toEqual([0, false])
    expect(readFileSync(told, 'utf8')).toBe('/run/notify READY=1\n/run/notify STOPPING=1\n')
  })

  it('writes its log as it is told to', async () => {
    const made = { cwd: QUICKSTART, env: { DIR: folder(), HTTP: '127.0.0.1:0' } }
    const logfmt = running(['run', '--log-format', 'logfmt'], made)
    const { stderr } = await endedBy('SIGTERM', logfmt, 'run done')
    expect(stderr.split('\n')[0]).toMatch(/^ts=\d{4}-\S+Z level=info msg="gateway starting" config=\S+ /)
    expect(stderr).toMatch(
      / level=warn msg="blocks failed" run=\S+ stage=scan-bucket code=corrupted-meta-json blocks=1 /,
    )
    const quiet = running(['run', '--log-level=warn', '--log-format=json'], {
      ...made,
      env: { ...made.env, DIR: folder() },
    })
    const { stderr: warnings } = await endedBy('SIGTERM', quiet, 'blocks failed')
    expect(lines(warnings).map(({ message }) => message)).toEqual(['blocks failed'])
    const { code, stderr: said } = await blockgate(['run', '--log-level', 'debug'], { cwd: QUICKSTART })
    expect([code, said]).toEqual([
      2,
      'blockgate: --log-level must be one of info, warn, error: current value is "debug"\n',
    ])
  })

  it('makes run after run, as often as the config says', async () => {
    const gateway = run(projectWith('', '', "every: '100ms',"))
    expect((await endedBy('SIGINT', gateway, '"reason":"interval"')).code).toBe(0)
  })

  it('ends with 0 at SIGHUP, as a terminal sends it that closes', async () => {
    const { code, stderr } = await endedBy('SIGHUP', run(projectWith()), 'run done')
    expect([code, lines(stderr).at(-2)?.message]).toEqual([0, 'SIGHUP: stopping; a second signal ends at once'])
    expect(lines(stderr).at(-1)).toMatchObject({ message: 'gateway stopped', signal: 'SIGHUP' })
  })

  it('lets an add in flight finish within the grace, and sends its spans', async () => {
    const { bodies, port } = await collector()
    const until = `{ kind: 'block', name: 'until-stopped', handle: (block, next) => new Promise(resolve => {
      process.stderr.write('in flight\\n')
      process.once('SIGTERM', () => setImmediate(() => resolve(next())))
    }) },`
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
    const made = projectWith(until, '', 'concurrency: 1,')
    const gateway = run({ ...made, env: { ...env, OTEL_BSP_SCHEDULE_DELAY: '600000' } })
    const { code, stderr } = await endedBy('SIGTERM', gateway, 'in flight')
    expect(code).toBe(0)
    expect(stderr).toMatch(/"message":"run stopped".*"added":1\b/)
    for (const span of ['"block.until-stopped"', '"sync.run"']) expect(bodies.join('')).toContain(span)
  })

  it('lets a query that runs end before the gateway stops', async () => {
    const head = `import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
      const sink = indexHeaders()
      const signalled = new Promise(resolve => process.once('SIGTERM', resolve))
      let isStopped = false
      const stop = signal => {
        isStopped = true
        return sink.stop(signal)
      }
      const late = files => ({ async read(...args) {
        process.stderr.write('in flight\\n')
        await signalled
        for (let turns = 0; turns < 1000; turns++) await new Promise(setImmediate)
        if (isStopped) throw new Error('the sink was stopped under a query')
        return await files.read(...args)
      } })
      const opened = ({ meta, files, ...reader }, end) => ({ meta, ...reader, files: late(files), [Symbol.dispose]: end })
      const open = id => {
        const reader = sink.open(id)
        return reader && opened(reader, () => reader[Symbol.dispose]())
      }`
    const gateway = run(projectOf(configText('', head).replace('directory()]', '{ ...sink, open, stop }]')))
    await gateway.printed('run done')
    const url = /"url":"([^"]+)"/.exec(gateway.stderr)?.[1] ?? ''
    const query = fetch(`${url}/api/v1/series?match[]=up`)
    const { code } = await endedBy('SIGTERM', gateway, 'in flight')
    const answer = await query
    expect([code, answer.status]).toEqual([0, 200])
    expect(((await answer.json()) as { data: unknown[] }).data.length).toBeGreaterThan(0)
  })

  it('aborts what is in flight when the grace is over, and still ends by itself', async () => {
    const gateway = run(projectWith(hanging(true), '', "stopGrace: '50ms',"))
    expect((await endedBy('SIGTERM', gateway, 'in flight')).code).toBe(0)
  })

  /** A stage with a call that never returns, as to a file system that does not answer. */
  function deadDisk(rest: string) {
    const start = `async start() { (await import('node:fs')).readFile(process.env.PIPE, () => {}) }`
    const made = projectWith(`{ kind: 'block', name: 'dead-disk', ${start}, ${rest} },`)
    const pipe = join(made.cwd, 'pipe')
    execFileSync('mkfifo', [pipe])
    return run({ ...made, env: { PIPE: pipe } })
  }

  it.each([
    ['whatever hangs', () => run(projectWith(hanging()))],
    [
      'also where a call to the file system never returns',
      () =>
        deadDisk(
          `handle: () => { process.stderr.write('in flight\\n'); return new Promise(() => {}) }, stop: () => new Promise(() => {})`,
        ),
    ],
  ])('at a second signal ends at once, %s', async (_, begin) => {
    const gateway = begin()
    await gateway.printed('in flight')
    gateway.child.kill('SIGTERM')
    const { code } = await endedBy('SIGTERM', gateway, 'SIGTERM: stopping')
    // With a call to the file system on its way it is the signal itself that ends it: 143 to a shell, too.
    expect(code ?? gateway.child.signalCode).toSatisfy(end => end === 143 || end === 'SIGTERM')
  })

  it('ends by itself where a call to the file system never returns, which holds up the exit of Node', async () => {
    const gateway = deadDisk('handle: (_, next) => next()')
    const { code, stderr } = await endedBy('SIGTERM', gateway, 'run done')
    expect([code, gateway.child.signalCode]).toEqual([null, 'SIGKILL'])
    expect(stderr).toContain('a call to the file system does not return')
  })

  it('ends where dir does not answer, and says so', async () => {
    const made = projectWith('', '', "startTimeout: '100ms',")
    mkdirSync(join(made.cwd, 'data/state'), { recursive: true })
    // Reading the lock waits for somebody who writes to it.
    execFileSync('mkfifo', [join(made.cwd, 'data/state/lock-1')])
    const gateway = run(made)
    const { stderr } = await gateway.ended
    expect(gateway.child.signalCode).toBe('SIGKILL')
    expect(stderr).toContain('start-failed: dir "./data" must answer within 100 ms')
  })

  it('exits with 3 where its port is taken, and where it cannot start, and says so', async () => {
    const { port } = await collector()
    const taken = await blockgate(['run'], projectWith('', '', `http: '127.0.0.1:${port}',`))
    expect([taken.code, taken.stderr]).toEqual([3, expect.stringContaining('something listens there already')])
    const made = projectWith()
    rmSync(made.bucket, { recursive: true })
    const { code, stderr } = await blockgate(['run'], made)
    expect([code, stderr]).toEqual([3, expect.stringContaining('Cannot start "bucket"')])
  })

  it('survives a run that fails, a promise that nobody awaits, and an error that nobody catches', async () => {
    const broken = `{ kind: 'set', name: 'broken', select() {
      Promise.reject(new Error('stray rejection'))
      setImmediate(() => { throw new Error('stray error') })
      throw new Error('no order')
    } },`
    const gateway = run(projectWith(broken, '', "every: '100ms',"))
    for (const stray of ['stray error', 'stray rejection']) await gateway.printed(stray)
    const { code, stderr } = await endedBy('SIGTERM', gateway, '"reason":"interval"')
    expect(code).toBe(0)
    const failed = lines(stderr).find(line => line.message === 'run failed')
    expect(failed).toMatchObject({ level: 'error', reason: 'startup', error: 'no order' })
  })
})
