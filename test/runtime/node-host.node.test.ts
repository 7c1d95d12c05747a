import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { nodeHost, nodeLog } from '../../src/runtime/node.ts'

afterEach(() => void vi.useRealTimers())

const NODE = join(import.meta.dirname, '../../src/runtime/node.ts')

describe('nodeHost', () => {
  it('its wall clock is that of the process, and its monotonic clock does not step with it', () => {
    vi.useFakeTimers({ now: 1000, toFake: ['Date'] })
    const host = nodeHost()
    const before = host.monotonic()
    expect(host.now()).toBe(1000)
    vi.setSystemTime(-5000)
    expect(host.now()).toBe(-5000)
    expect(host.monotonic()).toBeGreaterThanOrEqual(before)
  })

  it('between its turns timers fire and sockets are read', async () => {
    const host = nodeHost()
    const server = createServer(socket => void socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    let answers = 0
    let fired = false
    client.on('data', () => {
      if (++answers < 10) client.write('ping')
    })
    client.write('ping')
    await once(client, 'data')
    host.setTimer(1, () => (fired = true))
    while (answers < 10 || !fired) await host.nextTurn()
    client.destroy()
    server.close()
    expect({ answers, fired }).toEqual({ answers: 10, fired: true })
  })

  it('random() is in [0, 1) and not always the same', () => {
    const host = nodeHost()
    const values = Array.from({ length: 100 }, () => host.random())
    expect(values.every(value => value >= 0 && value < 1)).toBe(true)
    expect(new Set(values).size).toBeGreaterThan(90)
  })

  it('a timer fires once, after its time, and not once it is disposed', () => {
    vi.useFakeTimers()
    const host = nodeHost()
    const fired: string[] = []
    host.setTimer(10, () => fired.push('ten'))
    host.setTimer(-5, () => fired.push('at once'))
    const cancelled = host.setTimer(5, () => fired.push('never'))
    cancelled[Symbol.dispose]()
    cancelled[Symbol.dispose]()
    vi.advanceTimersByTime(9)
    expect(fired).toEqual(['at once'])
    vi.advanceTimersByTime(1000)
    expect(fired).toEqual(['at once', 'ten'])
  })

  it('a timer longer than Node can set fires after its whole time, and can be disposed at any moment of it', () => {
    vi.useFakeTimers()
    const host = nodeHost()
    const days = 24 * 3_600_000
    const fired: number[] = []
    host.setTimer(60 * days, () => fired.push(60))
    const cancelled = host.setTimer(61 * days, () => fired.push(61))
    vi.advanceTimersByTime(60 * days - 1)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(1)
    expect(fired).toEqual([60])
    cancelled[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['waits for its timers', `host.setTimer(5, () => console.log('done'))`],
    ['whose timers are disposed ends by itself', `host.setTimer(3e6, () => {})[Symbol.dispose](); console.log('done')`],
    ['logs to stderr, so that stdout is free for results', `host.log.info('x'); console.log('done')`],
  ])('a process %s', (_, code) => {
    const script = `import { nodeHost } from ${JSON.stringify(NODE)}; const host = nodeHost(); ${code}`
    const args = ['--no-warnings', '--input-type=module', '--eval', script]
    expect(execFileSync(process.execPath, args, { stdio: 'pipe' }).toString()).toBe('done\n')
  })
})

describe('nodeLog', () => {
  const now = () => Date.UTC(2026, 0, 2, 3, 4, 5)
  function log(isTTY: boolean, env: Record<string, string> = {}) {
    const written: string[] = []
    return { written, log: nodeLog({ stream: { isTTY, write: (text: string) => written.push(text) }, env, now }) }
  }

  it('writes a line of JSON where there is no terminal', () => {
    const { written, log: to } = log(false)
    to.warn('block failed', { block: '01X', bytes: 5n, none: undefined, message: 'not this', ids: new Set([1]) })
    expect(written).toEqual([
      '{"time":"2026-01-02T03:04:05.000Z","level":"warn","message":"block failed","block":"01X","bytes":"5","ids":[1]}\n',
    ])
  })

  it('writes a plain line on a terminal, in colour', () => {
    const { written, log: to } = log(true)
    to.info('run ended', { added: 3, stage: 'time-range', why: 'two words', none: undefined })
    to.error('no')
    expect(written).toEqual([
      '03:04:05 \u001b[32mINFO \u001b[39m run ended added=3 stage=time-range why="two words"\n',
      '03:04:05 \u001b[31mERROR\u001b[39m no\n',
    ])
  })

  it.each([
    [{ NO_COLOR: '1' }, '03:04:05 INFO  x\n'],
    [{ TERM: 'dumb' }, '03:04:05 INFO  x\n'],
    [{ NO_COLOR: '' }, '03:04:05 \u001b[32mINFO \u001b[39m x\n'],
  ] as const)('with %j writes %j', (env, line) => {
    const { written, log: to } = log(true, env)
    to.info('x')
    expect(written).toEqual([line])
  })

  it('no text of a bucket can end a line or steer a terminal', () => {
    const { written, log: to } = log(true, { NO_COLOR: '1' })
    to.warn('bad\nINFO all is well', { key: '\u001b[2Jx\u009b1m', 'na\nme': '\u2028' })
    expect(written).toEqual(['03:04:05 WARN  bad\\u000aINFO all is well key="\\u001b[2Jx\\u009b1m" na_me="\\u2028"\n'])
  })

  it('writes something whatever it is given', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    const { written, log: to } = log(false)
    to.error('odd', { circle })
    to.error('error', { error: new TypeError('boom') })
    expect(JSON.parse(written[0] ?? '')).toMatchObject({ level: 'error', message: 'odd' })
    expect(JSON.parse(written[1] ?? '').error).toContain('TypeError: boom\n    at ')
  })
})
