/** The lock of a data folder: who has it, when it ends, and that two never have it. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Host } from 'blockgate'
import { type FakeHost, fakeHost } from 'blockgate/testing'
import { describe, expect, it, vi } from 'vitest'
import { type LockOptions, lockFolder } from '../../src/runtime/node.ts'
import { PATIENCE } from '../support/patience.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const host = fakeHost()
const NODE = join(import.meta.dirname, '../../src/runtime/node.ts')

/** A process that takes the lock when it gets a line, says what came of it, and gives it back at the next line. */
function contender(dir: string): { readonly child: ChildProcess; say(): void; readonly lines: AsyncIterator<string> } {
  const program = `
    import { createInterface } from 'node:readline'
    const { lockFolder, nodeHost } = await import(${JSON.stringify(NODE)})
    const log = { info() {}, warn(m) { console.log(m) }, error() {} }
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
    console.log('up')
    for (;;) {
      if ((await lines.next()).done) process.exit(0)
      try {
        const lock = await lockFolder(${JSON.stringify(dir)}, 'contender', nodeHost({ log }))
        console.log('got')
        await lines.next()
        await lock[Symbol.asyncDispose]()
        console.log('gave')
      } catch (error) {
        console.log(error.code + ' ' + error.message)
        await lines.next()
        console.log('gave')
      }
    }`
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
  return { child, say: () => void child.stdin.write('\n'), lines }
}

const nextLine = async (lines: AsyncIterator<string>) => (await lines.next()).value as string

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
    expect(readdirSync(join(dir, 'state'))).toEqual(['lock-2'])
    expect(readFileSync(join(dir, 'state/lock-2'), 'utf8')).toBe('')
  })

  it('ends with the process that is killed, and nothing is waited for', async () => {
    const dir = folder()
    const holder = contender(dir)
    expect(await nextLine(holder.lines)).toBe('up')
    holder.say()
    expect(await nextLine(holder.lines)).toBe('got')
    await expect(lockFolder(dir, 'blockgate sync', host)).rejects.toThrow(`process ${holder.child.pid} `)
    const gone = new Promise(resolve => holder.child.once('exit', resolve))
    holder.child.kill('SIGKILL')
    await gone
    const lock = await lockFolder(dir, 'blockgate sync', host)
    // What the dead one left is gone.
    expect(readdirSync(join(dir, 'state')).filter(name => !name.endsWith('.sock'))).toEqual(['lock-2'])
    expect(readdirSync(join(dir, 'state')).filter(name => name.endsWith('.sock'))).toHaveLength(1)
    await lock[Symbol.asyncDispose]()
  })

  it('a process that stands still keeps it', async () => {
    const dir = folder()
    const holder = contender(dir)
    await nextLine(holder.lines)
    holder.say()
    expect(await nextLine(holder.lines)).toBe('got')
    holder.child.kill('SIGSTOP')
    await expect(lockFolder(dir, 'blockgate sync', host)).rejects.toThrow('dir-in-use')
    holder.child.kill('SIGKILL')
  })

  it('of those who find a dead holder at once, one gets it', async () => {
    const dir = folder()
    const all = Array.from({ length: 4 }, () => contender(dir))
    for (const { lines } of all) expect(await nextLine(lines)).toBe('up')
    for (let round = 0; round < 15; round++) {
      // As a process that was killed leaves it: a number that names a socket nobody listens on.
      const state = join(dir, 'state')
      const numbers = existsSync(state) ? readdirSync(state).flatMap(name => /^lock-(\d+)$/.exec(name)?.[1] ?? []) : []
      const last = Math.max(0, ...numbers.map(Number))
      if (last > 0) {
        const dead = { pid: 1, host: hostname(), command: 'x', since: 'x', socket: `lock-${crypto.randomUUID()}.sock` }
        writeFileSync(join(state, 'dead'), JSON.stringify(dead))
        renameSync(join(state, 'dead'), join(state, `lock-${last}`))
      }
      for (const { say } of all) say()
      const answers = await Promise.all(all.map(({ lines }) => nextLine(lines)))
      expect(
        answers.filter(answer => answer === 'got'),
        answers.join('; '),
      ).toHaveLength(1)
      for (const { say } of all) say()
      for (const { lines } of all) expect(await nextLine(lines)).toBe('gave')
    }
    for (const { child } of all) child.stdin?.end()
  })

  it('one of before a reboot is taken over at once, and so is half of one', async () => {
    const dir = folder()
    await (await lockFolder(dir, 'x', host))[Symbol.asyncDispose]()
    writeFileSync(join(dir, 'state/lock-1'), foreign(hostname()))
    await (await lockFolder(dir, 'blockgate run', host))[Symbol.asyncDispose]()
    // A power cut left half of it.
    writeFileSync(join(dir, 'state/lock-2'), '{"pid":1,"ho')
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

/** What another machine's process writes down. */
const foreign = (machine = 'store-b') =>
  JSON.stringify({
    pid: 7,
    host: machine,
    command: 'blockgate run',
    since: '2026-01-01T00:00:00.000Z',
    boot: 'another',
    socket: `lock-${crypto.randomUUID()}.sock`,
  })

/** A folder that another machine has, and one that wants it and has begun to wait. */
async function waiting(options: LockOptions = {}) {
  const host = fakeHost()
  const dir = folder()
  mkdirSync(join(dir, 'state'))
  const file = join(dir, 'state/lock-1')
  writeFileSync(file, foreign())
  const told = Promise.withResolvers<number>()
  let settled = false
  let stoodStillMs = 0
  const slow: Host = { ...host, monotonic: () => host.monotonic() + stoodStillMs }
  const lock = lockFolder(dir, 'blockgate run', slow, { quiet: host, ...options, onWait: told.resolve })
  const settle = () => {
    settled = true
  }
  lock.then(settle, settle)
  expect(await told.promise).toBe(60_000)
  expect(host.lines).toMatchObject([
    { level: 'warn', message: WAITS, fields: { dir, holder: expect.stringContaining('process 7 on store-b') } },
  ])
  return {
    host,
    dir,
    file,
    lock,
    touch: () => utimesSync(file, 5, 5),
    settles: () => passes(host, () => settled),
    standStill(ms: number) {
      stoodStillMs += ms
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
  it('is refused at the first sign of its holder', async () => {
    const { host, dir, lock, touch, settles } = await waiting()
    await host.advance(30_000)
    // Whatever time it says: its clock may be wrong.
    touch()
    await settles()
    const error = await lock.catch(e => e)
    expect(error.code).toBe('dir-in-use')
    expect(error.rawMessage).toContain('process 7 on store-b, since 2026-01-01')
    expect(error.rawMessage).toContain('stop that one')
    expect([host.pendingTimers, readdirSync(join(dir, 'state'))]).toEqual([0, ['lock-1']])
  })

  it('is taken over after a minute without a sign, and that is told', async () => {
    const { host, dir, lock, settles } = await waiting()
    const began = host.monotonic()
    await settles()
    const taken = await lock
    expect(host.monotonic() - began).toBeGreaterThanOrEqual(60_000)
    expect(host.lines.slice(1)).toMatchObject([
      {
        level: 'warn',
        message: 'no sign of who had dir: the lock is taken over',
        fields: { dir, holder: expect.stringContaining('process 7 on store-b') },
      },
    ])
    expect(readdirSync(join(dir, 'state')).filter(name => !name.endsWith('.sock'))).toEqual(['lock-2'])
    await taken[Symbol.asyncDispose]()
    expect(host.pendingTimers).toBe(0)
  })

  it('a sign is seen also by one that stood still all the time', async () => {
    const { lock, touch, standStill, settles } = await waiting()
    touch()
    standStill(3_600_000)
    await settles()
    await expect(lock).rejects.toThrow('dir-in-use')
  })

  it('is free where it is given back meanwhile', async () => {
    const { host, file, lock, settles } = await waiting()
    writeFileSync(file, '')
    await settles()
    await (await lock)[Symbol.asyncDispose]()
    expect(host.lines).toHaveLength(1)
  })

  it('where a third takes it meanwhile, that one is waited for', async () => {
    const stop = new AbortController()
    const { host, file, lock } = await waiting({ signal: stop.signal })
    writeFileSync(file, foreign('store-c'))
    await passes(host, () => host.lines.length > 1)
    expect(host.lines[1]).toMatchObject({ message: WAITS, fields: { holder: expect.stringContaining('store-c') } })
    stop.abort(new Error('enough'))
    await expect(lock).rejects.toThrow('enough')
  })

  it('an abort ends the wait', async () => {
    const stop = new AbortController()
    const { host, dir, lock } = await waiting({ signal: stop.signal })
    stop.abort(new Error('stopped by SIGTERM'))
    await expect(lock).rejects.toThrow('stopped by SIGTERM')
    expect([host.pendingTimers, readdirSync(join(dir, 'state'))]).toEqual([0, ['lock-1']])
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
  const mtime = (path: string) => statSync(path).mtimeMs

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

  it('a sign that is under way when it is given back is the last one', async () => {
    const timers: (() => unknown)[] = []
    const quiet: Host = { ...host, setTimer: (_, fn) => ({ [Symbol.dispose]() {}, at: timers.push(fn) }) }
    const lock = await lockFolder(folder(), 'blockgate run', host, { quiet })
    const sign = timers[0]?.()
    await Promise.all([lock[Symbol.asyncDispose](), sign])
    expect([timers.length, host.lines]).toEqual([1, []])
  })

  it('keeps no process alive', async () => {
    const program = `
      const { lockFolder, nodeHost } = await import(${JSON.stringify(NODE)})
      await lockFolder(${JSON.stringify(folder())}, 'forgetful', nodeHost())`
    const args = ['--conditions=blockgate-source', '--input-type=module', '--eval', program]
    const child = spawn(process.execPath, args, { stdio: 'inherit' })
    expect(await new Promise(resolve => child.once('exit', resolve))).toBe(0)
  })

  it.each<[string, (state: string) => void]>([
    ['somebody took the next number', state => writeFileSync(join(state, 'lock-2'), foreign())],
    ['its file names another', state => writeFileSync(join(state, 'lock-1'), foreign())],
    ['its file is gone', state => rmSync(join(state, 'lock-1'))],
  ])('says once that it lost it: %s', async (_, lose) => {
    const { host, dir, lock, state } = await holder()
    lose(state)
    const files = readdirSync(state)
      .filter(name => /^lock-\d+$/.test(name))
      .map(name => [name, mtime(join(state, name))])
    await passes(host, () => host.lines.length > 0)
    await host.advance(600_000)
    expect(host.lines).toMatchObject([
      { level: 'error', message: expect.stringContaining('the lock of dir was lost'), fields: { dir } },
    ])
    // It signs for nobody else.
    expect(files.map(([name]) => [name, mtime(join(state, String(name)))])).toEqual(files)
    await lock[Symbol.asyncDispose]()
    expect(host.pendingTimers).toBe(0)
  })

  it('warns once where it cannot give signs, and goes on trying', async () => {
    const { host, lock, state, file } = await holder()
    const away = `${state}-away`
    renameSync(state, away)
    symlinkSync(state, state)
    await passes(host, () => host.lines.length > 0 && host.monotonic() > 60_000)
    expect(host.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('cannot be touched') }])
    rmSync(state)
    renameSync(away, state)
    const before = mtime(file)
    await passes(host, () => mtime(file) !== before)
    await lock[Symbol.asyncDispose]()
    expect(host.lines).toHaveLength(1)
  })
})
