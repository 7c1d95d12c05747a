/** The lock of a data folder: who has it, when it ends, and that two never have it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { lockFolder } from '../../src/runtime/node.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const { log } = fakeHost()
const LOCK = join(import.meta.dirname, '../../src/runtime/disk/lock.ts')

/** A process that takes the lock when it gets a line, says what came of it, and gives it back at the next line. */
function contender(dir: string): { readonly child: ChildProcess; say(): void; readonly lines: AsyncIterator<string> } {
  const program = `
    import { createInterface } from 'node:readline'
    const { lockFolder } = await import(${JSON.stringify(LOCK)})
    const log = { info() {}, warn(m) { console.log(m) }, error() {} }
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
    console.log('up')
    for (;;) {
      if ((await lines.next()).done) process.exit(0)
      try {
        const lock = await lockFolder(${JSON.stringify(dir)}, 'contender', log)
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
    const lock = await lockFolder(dir, 'blockgate run', log)
    const error = await lockFolder(dir, 'blockgate sync', log).catch(e => e)
    expect(error.code).toBe('dir-in-use')
    for (const part of [`dir "${dir}"`, 'blockgate run', `process ${process.pid} on ${hostname()}`, 'stop that one']) {
      expect(error.rawMessage).toContain(part)
    }
    await lock[Symbol.asyncDispose]()
    await (await lockFolder(dir, 'blockgate sync', log))[Symbol.asyncDispose]()
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
    await expect(lockFolder(dir, 'blockgate sync', log)).rejects.toThrow(`process ${holder.child.pid} `)
    const gone = new Promise(resolve => holder.child.once('exit', resolve))
    holder.child.kill('SIGKILL')
    await gone
    const lock = await lockFolder(dir, 'blockgate sync', log)
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
    await expect(lockFolder(dir, 'blockgate sync', log)).rejects.toThrow('dir-in-use')
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

  it('a lock that another machine took is told with what to remove; one of before a reboot is taken over', async () => {
    const dir = folder()
    await (await lockFolder(dir, 'x', log))[Symbol.asyncDispose]()
    const held = {
      pid: 7,
      command: 'blockgate run',
      since: '2026-01-01T00:00:00.000Z',
      boot: 'another',
      socket: `lock-${crypto.randomUUID()}.sock`,
    }
    writeFileSync(join(dir, 'state/lock-1'), JSON.stringify({ ...held, host: 'store-b' }))
    const error = await lockFolder(dir, 'blockgate run', log).catch(e => e)
    expect(error.code).toBe('dir-in-use')
    expect(error.rawMessage).toContain('process 7 on store-b, since 2026-01-01')
    expect(error.rawMessage).toContain(`remove ${join(dir, 'state')}/lock-*`)
    writeFileSync(join(dir, 'state/lock-1'), JSON.stringify({ ...held, host: hostname() }))
    await (await lockFolder(dir, 'blockgate run', log))[Symbol.asyncDispose]()
    // A power cut left half of it.
    writeFileSync(join(dir, 'state/lock-2'), '{"pid":1,"ho')
    await (await lockFolder(dir, 'blockgate run', log))[Symbol.asyncDispose]()
  })

  it('where no socket can be made it warns, and goes on without', async () => {
    const host = fakeHost()
    const dir = join(folder(), 'x'.repeat(120))
    const lock = await lockFolder(dir, 'blockgate run', host.log)
    expect(host.lines).toMatchObject([{ level: 'warn', fields: { dir } }])
    await lock[Symbol.asyncDispose]()
  })
})
