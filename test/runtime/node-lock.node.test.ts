/** The lock of a data folder: who has it, when it ends, and that two never have it. */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Host } from 'blockgate'
import { type FakeHost, fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it, vi } from 'vitest'
import { type LockOptions, lockFolder } from '../../src/runtime/node.ts'
import { PATIENCE } from '../support/patience.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const host = fakeHost()
const NODE = JSON.stringify(join(import.meta.dirname, '../../src/runtime/node.ts'))

/** A process that runs `program`, with its lines. */
function run(program: string): { readonly child: ChildProcess; readonly lines: AsyncIterator<string> } {
  const args = ['--conditions=blockgate-source', '--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = (async function* () {
    let rest = ''
    for await (const part of child.stdout.setEncoding('utf8')) {
      const all = (rest + part).split('\n')
      rest = all.pop() ?? ''
      yield* all
    }
  })()
  return { child, lines }
}

/** A process that takes the lock when it is told to, says what came of it, and gives it back when it is told again. */
function contender(dir: string) {
  const { child, lines } = run(`
    import { createInterface } from 'node:readline'
    const { lockFolder, nodeHost } = await import(${NODE})
    const log = { info() {}, warn(m) { console.log(m) }, error() {} }
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
    console.log('up')
    for (;;) {
      if ((await lines.next()).done) process.exit(0)
      const lock = await lockFolder(${JSON.stringify(dir)}, 'contender', nodeHost({ log })).catch(error => error)
      console.log(lock.message ?? 'got')
      await lines.next()
      await lock[Symbol.asyncDispose]?.()
      console.log('gave')
    }`)
  const next = async () => (await lines.next()).value as string
  return { child, next, say: () => void child.stdin?.write('\n') }
}

/** The names of a data folder's state that are no sockets. */
const stateOf = (dir: string) => fs.readdirSync(join(dir, 'state')).filter(name => !name.endsWith('.sock'))

const holderFile = (machine: string, more = {}) =>
  JSON.stringify({
    pid: 7,
    host: machine,
    command: 'blockgate run',
    since: '2026-01-01T00:00:00.000Z',
    socket: `lock-${crypto.randomUUID()}.sock`,
    ...more,
  })
/** What another machine's process writes down. */
const foreign = (machine = 'store-b') => holderFile(machine, { boot: 'another' })

describe('lockFolder', () => {
  it('says who has it, and is free again once it was given back', async () => {
    const dir = folder()
    const lock = await lockFolder(dir, 'blockgate run', host)
    const error = await lockFolder(dir, 'blockgate sync', host).catch(e => e)
    expect(error.code).toBe('dir-in-use')
    for (const part of [`dir "${dir}"`, 'blockgate run', `process ${process.pid} on ${hostname()}`, 'stop that one']) {
      expect(error.rawMessage).toContain(part)
    }
    await lock[Symbol.asyncDispose]()
    await (await lockFolder(dir, 'blockgate sync', host))[Symbol.asyncDispose]()
    // Nothing but the number of the last one stays.
    expect(fs.readdirSync(join(dir, 'state'))).toEqual(['lock-2'])
    expect(fs.readFileSync(join(dir, 'state/lock-2'), 'utf8')).toBe('')
  })

  it('is kept by a process that stands still, ends with one that is killed, and nothing is waited for', async () => {
    const dir = folder()
    const { child, next, say } = contender(dir)
    expect(await next()).toBe('up')
    say()
    expect(await next()).toBe('got')
    child.kill('SIGSTOP')
    await expect(lockFolder(dir, 'blockgate sync', host)).rejects.toThrow(`process ${child.pid} `)
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    const lock = await lockFolder(dir, 'blockgate sync', host)
    // What the dead one left is gone.
    expect([stateOf(dir), fs.readdirSync(join(dir, 'state')).length]).toEqual([['lock-2'], 2])
    await lock[Symbol.asyncDispose]()
  })

  it('of those who find a dead holder at once, one gets it', async () => {
    const dir = folder()
    const all = Array.from({ length: 4 }, () => contender(dir))
    for (const { next } of all) expect(await next()).toBe('up')
    for (let round = 0; round < 15; round++) {
      // As a process that was killed leaves it: a number that names a socket nobody listens on.
      const numbers = round === 0 ? [] : stateOf(dir).map(name => Number(name.replace('lock-', '')))
      if (numbers.length > 0) {
        fs.writeFileSync(join(dir, 'dead'), holderFile(hostname()))
        fs.renameSync(join(dir, 'dead'), join(dir, 'state', `lock-${Math.max(...numbers)}`))
      }
      for (const { say } of all) say()
      const answers = await Promise.all(all.map(({ next }) => next()))
      const got = answers.filter(answer => answer === 'got')
      expect(got, answers.join('; ')).toHaveLength(1)
      for (const { say } of all) say()
      for (const { next } of all) expect(await next()).toBe('gave')
    }
    for (const { child } of all) child.stdin?.end()
  })

  it('one of before a reboot is taken over at once, and so is half of one', async () => {
    const dir = folder()
    await (await lockFolder(dir, 'x', host))[Symbol.asyncDispose]()
    fs.writeFileSync(join(dir, 'state/lock-1'), foreign(hostname()))
    await (await lockFolder(dir, 'blockgate run', host))[Symbol.asyncDispose]()
    // A power cut left half of it.
    fs.writeFileSync(join(dir, 'state/lock-2'), '{"pid":1,"ho')
    await (await lockFolder(dir, 'blockgate run', host))[Symbol.asyncDispose]()
  })

  it('where no socket can be made it warns, and goes on without', async () => {
    const host = fakeHost()
    const dir = join(folder(), 'x'.repeat(120))
    const lock = await lockFolder(dir, 'blockgate run', host)
    expect(host.lines).toMatchObject([{ level: 'warn', fields: { dir } }])
    await lock[Symbol.asyncDispose]()
  })
})

const WAITS = 'dir-in-use: another machine has it, or crashed with it: waits up to 60 s for a sign of it'

/** A folder that another machine has, and one that wants it and has begun to wait. */
async function waiting(options: LockOptions = {}) {
  const host = fakeHost()
  const dir = folder()
  fs.mkdirSync(join(dir, 'state'))
  const file = join(dir, 'state/lock-1')
  fs.writeFileSync(file, foreign())
  const told = Promise.withResolvers<number>()
  let ended = false
  let stoodStillMs = 0
  const clock = { beforeRead: () => {} }
  const monotonic = () => {
    clock.beforeRead()
    return host.monotonic() + stoodStillMs
  }
  const slow: Host = { ...host, monotonic }
  const lock = lockFolder(dir, 'blockgate run', slow, { quiet: host, ...options, onWait: told.resolve })
  const end = () => {
    ended = true
  }
  lock.then(end, end)
  expect(await told.promise).toBe(60_000)
  const holder = expect.stringContaining('process 7 on store-b')
  expect(host.lines).toMatchObject([{ level: 'warn', message: WAITS, fields: { dir, holder } }])
  return {
    host,
    dir,
    file,
    lock,
    touch: () => fs.utimesSync(file, 5, 5),
    ends: () => passes(host, () => ended),
    /** As a process that stood still for an hour just before it read the clock; the holder touched its file meanwhile. */
    standStill() {
      clock.beforeRead = () => {
        fs.utimesSync(file, 5, 5)
        stoodStillMs = 3_600_000
      }
    },
  }
}

/** Lets time pass, and the disk answer, until `done`. */
async function passes(host: FakeHost, done: () => boolean): Promise<void> {
  while (!done()) {
    await host.advance(500)
    await new Promise(resolve => setImmediate(resolve))
  }
}

describe('the lock of another machine', () => {
  it.each([false, true])(
    'is refused at the first sign of its holder, also by one that stood still: %s',
    async still => {
      const { host, dir, lock, touch, standStill, ends } = await waiting()
      await host.advance(still ? 0 : 30_000)
      // Whatever time it says: its clock may be wrong.
      if (still) standStill()
      else touch()
      await ends()
      const error = await lock.catch(e => e)
      expect(error.code).toBe('dir-in-use')
      expect(error.rawMessage).toContain('process 7 on store-b, since 2026-01-01')
      expect([host.pendingTimers, fs.readdirSync(join(dir, 'state'))]).toEqual([0, ['lock-1']])
    },
  )

  it('is not taken by a number below one that others made and gave back meanwhile', async () => {
    const { dir, lock, ends } = await waiting()
    fs.writeFileSync(join(dir, 'state/lock-3'), '')
    await ends()
    const taken = await lock
    expect(stateOf(dir)).toEqual(['lock-4'])
    await taken[Symbol.asyncDispose]()
  })

  it('is taken over after a minute without a sign, and that is told', async () => {
    const { host, dir, lock, ends } = await waiting()
    const began = host.monotonic()
    await ends()
    const taken = await lock
    expect(host.monotonic() - began).toBeGreaterThanOrEqual(60_000)
    const message = 'no sign of who had dir: the lock is taken over'
    const holder = expect.stringContaining('process 7 on store-b')
    expect(host.lines.slice(1)).toMatchObject([{ level: 'warn', message, fields: { dir, holder } }])
    expect(stateOf(dir)).toEqual(['lock-2'])
    await taken[Symbol.asyncDispose]()
    expect(host.pendingTimers).toBe(0)
  })

  it('is free where it is given back meanwhile', async () => {
    const { host, file, lock, ends } = await waiting()
    fs.writeFileSync(file, '')
    await ends()
    await (await lock)[Symbol.asyncDispose]()
    expect(host.lines).toHaveLength(1)
  })

  it('where a third takes it meanwhile, that one is waited for; an abort ends the wait', async () => {
    const stop = new AbortController()
    const { host, dir, file, lock } = await waiting({ signal: stop.signal })
    fs.writeFileSync(file, foreign('store-c'))
    await passes(host, () => host.lines.length > 1)
    expect(host.lines[1]).toMatchObject({ message: WAITS, fields: { holder: expect.stringContaining('store-c') } })
    stop.abort(new Error('stopped by SIGTERM'))
    await expect(lock).rejects.toThrow('stopped by SIGTERM')
    expect([host.pendingTimers, fs.readdirSync(join(dir, 'state'))]).toEqual([0, ['lock-1']])
  })
})

describe('who has the lock', () => {
  async function holder() {
    const host = fakeHost()
    const dir = folder()
    const lock = await lockFolder(dir, 'blockgate run', host, { quiet: host })
    const state = join(dir, 'state')
    return { host, dir, lock, state, file: join(state, 'lock-1') }
  }
  const mtime = (path: string) => fs.statSync(path).mtimeMs

  it('gives a sign every ten seconds, until it gives it back', async () => {
    const { host, lock, file } = await holder()
    for (let sign = 1; sign <= 3; sign++) {
      const before = mtime(file)
      await host.advance(9_999)
      expect(mtime(file)).toBe(before)
      await host.advance(1)
      await vi.waitFor(() => expect(mtime(file)).toBe(host.now()), PATIENCE)
      await vi.waitFor(() => expect(host.pendingTimers).toBe(1), PATIENCE)
    }
    await lock[Symbol.asyncDispose]()
    expect([host.pendingTimers, host.lines]).toEqual([0, []])
  })

  it('a sign that is under way when it is given back is the last one, and says nothing of a lock that was lost', async () => {
    const quiet = fakeHost()
    const timers: (() => unknown)[] = []
    quiet.setTimer = (_, fn) => ({ [Symbol.dispose]() {}, at: timers.push(fn) })
    const dir = folder()
    const lock = await lockFolder(dir, 'blockgate run', quiet, { quiet })
    fs.rmSync(join(dir, 'state/lock-1'))
    timers[0]?.()
    // The touch asks the disk, which answers in a later turn.
    for (let i = 0; i < 10; i++) await Promise.resolve()
    await lock[Symbol.asyncDispose]()
    // The disk answers what was asked of it.
    for (let i = 0; i < 20; i++) await settle()
    expect([timers.length, quiet.lines]).toEqual([1, []])
  })

  it('keeps no process alive', async () => {
    const { child } = run(`
      const { lockFolder, nodeHost } = await import(${NODE})
      await lockFolder(${JSON.stringify(folder())}, 'forgetful', nodeHost())`)
    expect(await new Promise(resolve => child.once('exit', resolve))).toBe(0)
  })

  it.each<[string, (state: string) => void, string?]>([
    ['somebody took the next number', state => fs.writeFileSync(join(state, 'lock-2'), foreign()), 'lock-2'],
    ['its file names another', state => fs.writeFileSync(join(state, 'lock-1'), foreign()), 'lock-1'],
    ['its file is gone', state => fs.rmSync(join(state, 'lock-1'))],
  ])('says once that it lost it: %s', async (_, lose, theirs) => {
    const { host, dir, lock, state } = await holder()
    lose(state)
    const times = () => stateOf(dir).map(name => [name, mtime(join(state, name))])
    const before = times()
    await passes(host, () => host.lines.length > 0)
    await host.advance(600_000)
    const message = expect.stringContaining('the lock of dir was lost')
    expect(host.lines).toMatchObject([{ level: 'error', message, fields: { dir } }])
    // It signs for nobody else.
    expect(times()).toEqual(before)
    await lock[Symbol.asyncDispose]()
    if (theirs) expect(fs.readFileSync(join(state, theirs), 'utf8')).toContain('store-b')
    expect(host.pendingTimers).toBe(0)
  })

  it('warns once where it cannot give signs, and goes on trying', async () => {
    const { host, lock, state, file } = await holder()
    const away = `${state}-away`
    fs.renameSync(state, away)
    fs.symlinkSync(state, state)
    await passes(host, () => host.lines.length > 0 && host.monotonic() > 60_000)
    expect(host.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('cannot be touched') }])
    fs.rmSync(state)
    fs.renameSync(away, state)
    const before = mtime(file)
    await passes(host, () => mtime(file) !== before)
    await lock[Symbol.asyncDispose]()
    expect(host.lines).toHaveLength(1)
  })
})
