import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { blockgate, configText, project, QUICKSTART, type Running, start } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const started: Running[] = []
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})

function run(options: Parameters<typeof start>[1]): Running {
  const running = start(['run'], options)
  started.push(running)
  return running
}

function projectWith(config: string) {
  const made = project(folder())
  made.write('blockgate.config.ts', config)
  return { ...made, cwd: made.folder }
}

/** The lines of the log, as objects. */
const lines = (stderr: string): Record<string, unknown>[] =>
  stderr
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
const messages = (stderr: string) => lines(stderr).map(line => line.message)

describe('blockgate run', () => {
  it('goes on after the first run, and ends with 0 at SIGTERM', async () => {
    const running = run({ cwd: QUICKSTART, env: { DIR: folder(), HTTP: '127.0.0.1:0' } })
    await running.printed('run done')
    running.child.kill('SIGTERM')
    const { code, stdout, stderr } = await running.ended
    expect([code, stdout]).toEqual([0, ''])
    expect(messages(stderr)).toEqual([
      'gateway starting',
      'http server listening',
      'blocks failed',
      'run done',
      'SIGTERM: stopping; a second signal ends at once',
    ])
    expect(lines(stderr)[3]).toMatchObject({ level: 'info', reason: 'startup', added: 8, failed: 1 })
  })

  it('makes run after run, as often as the config says', async () => {
    const running = run(projectWith(configText('', '', "every: '100ms',")))
    await running.printed('"reason":"interval"')
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
  })

  it('lets an add in flight finish within the grace, and sends its spans', async () => {
    const bodies: string[] = []
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', part => parts.push(part))
      request.on('end', () => {
        bodies.push(Buffer.concat(parts).toString())
        response.end()
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const until = `{ kind: 'block', name: 'until-stopped', handle: (block, next) => new Promise(resolve => {
      process.stderr.write('in flight\\n')
      process.once('SIGTERM', () => setImmediate(() => resolve(next())))
    }) },`
    const made = projectWith(configText(until, '', 'concurrency: 1,'))
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
    const running = run({ ...made, env: { ...env, OTEL_BSP_SCHEDULE_DELAY: '600000' } })
    await running.printed('in flight')
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    server.close()
    expect(code).toBe(0)
    expect(stderr).toMatch(/"message":"run stopped".*"added":1\b/)
    expect(bodies.join('')).toContain('"block.until-stopped"')
    expect(bodies.join('')).toContain('"sync.run"')
  })

  it('at a second signal ends at once, whatever hangs', async () => {
    const hangs = `{ kind: 'block', name: 'hangs', handle: () => { process.stderr.write('in flight\\n'); return new Promise(() => {}) } },`
    const running = run(projectWith(configText(hangs)))
    await running.printed('in flight')
    running.child.kill('SIGTERM')
    await running.printed('SIGTERM: stopping')
    running.child.kill('SIGTERM')
    // With a call to the file system on its way it is the signal itself that ends it: 143 to a shell, too.
    expect((await running.ended).code ?? running.child.signalCode).toSatisfy(end => end === 143 || end === 'SIGTERM')
  })

  it('ends with 0 at SIGHUP, as a terminal sends it that closes', async () => {
    const running = run(projectWith(configText('')))
    await running.printed('run done')
    running.child.kill('SIGHUP')
    const { code, stderr } = await running.ended
    expect([code, messages(stderr).at(-1)]).toEqual([0, 'SIGHUP: stopping; a second signal ends at once'])
  })

  /** A stage with a call that never returns, as to a file system that does not answer. */
  function deadDisk(rest: string) {
    const dead = `{ kind: 'block', name: 'dead-disk', async start() {
      const { readFile } = await import('node:fs')
      readFile(process.env.PIPE, () => {})
    }, ${rest} },`
    const made = projectWith(configText(dead))
    const pipe = join(made.cwd, 'pipe')
    execFileSync('mkfifo', [pipe])
    return run({ ...made, env: { PIPE: pipe } })
  }

  it('ends where dir does not answer, and says so', async () => {
    const made = projectWith(configText('', '', "startTimeout: '100ms',"))
    mkdirSync(join(made.cwd, 'data/state'), { recursive: true })
    // Reading the lock waits for somebody who writes to it.
    execFileSync('mkfifo', [join(made.cwd, 'data/state/lock-1')])
    const running = run(made)
    const { stderr } = await running.ended
    expect(running.child.signalCode).toBe('SIGKILL')
    expect(stderr).toContain('start-failed: dir "./data" must answer within 100 ms')
  })

  it('ends by itself where a call to the file system never returns, which holds up the exit of Node', async () => {
    const running = deadDisk('handle: (_, next) => next()')
    await running.printed('run done')
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect([code, running.child.signalCode]).toEqual([null, 'SIGKILL'])
    expect(stderr).toContain('a call to the file system does not return')
  })

  it('ends at once at a second signal also where a call to the file system never returns', async () => {
    const running = deadDisk(
      `handle: () => { process.stderr.write('in flight\\n'); return new Promise(() => {}) }, stop: () => new Promise(() => {})`,
    )
    await running.printed('in flight')
    running.child.kill('SIGTERM')
    await running.printed('SIGTERM: stopping')
    running.child.kill('SIGTERM')
    await running.ended
    expect(running.child.signalCode).toBe('SIGTERM')
  })

  it('aborts what is in flight when the grace is over, and still ends by itself', async () => {
    const waits = `{ kind: 'block', name: 'waits', handle: block => new Promise((_, reject) => {
      process.stderr.write('in flight\\n')
      block.signal.addEventListener('abort', () => reject(block.signal.reason))
    }) },`
    const running = run(projectWith(configText(waits, '', "stopGrace: '50ms',")))
    await running.printed('in flight')
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
  })

  it('exits with 3 where its port is taken, and says so', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await blockgate(['run'], projectWith(configText('', '', `http: '127.0.0.1:${port}',`)))
    server.close()
    expect([code, stderr]).toEqual([3, expect.stringContaining('something listens there already')])
  })

  it('serves HTTP while it runs, with its metrics', async () => {
    const running = run({ cwd: QUICKSTART, env: { DIR: folder(), HTTP: '127.0.0.1:0' } })
    await running.printed('run done')
    const url = /"url":"([^"]+)"/.exec(running.stderr)?.[1] ?? ''
    expect((await fetch(`${url}/-/ready`)).status).toBe(200)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('blockgate_blocks_loaded 8\n')
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
  })

  it('exits with 3 where it cannot start', async () => {
    const made = projectWith(configText(''))
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
    const running = run(projectWith(configText(broken, '', "every: '100ms',")))
    await running.printed('stray error')
    await running.printed('stray rejection')
    await running.printed('"reason":"interval"')
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect(code).toBe(0)
    expect(lines(stderr).find(line => line.message === 'run failed')).toMatchObject({
      level: 'error',
      reason: 'startup',
      error: 'no order',
    })
  })

  it('a stray rejection ends no sync with a result that is wrong: it is a crash, as Node has it', async () => {
    const stray = `{ kind: 'set', name: 'stray', select(all) { Promise.reject(new Error('stray')); return new Promise(() => {}) } },`
    const { code, stdout } = await blockgate(['sync'], projectWith(configText(stray)))
    expect([code, stdout]).toEqual([1, ''])
  })
})
