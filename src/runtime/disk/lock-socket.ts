/**
 * The lock of a data folder on Node: whoever has it listens on a Unix socket in the folder, and `state/lock-<n>` says which.
 * The highest number counts, and is never removed: it is empty once its holder gave it back. Who finds the holder of `n`
 * gone takes the lock by making `lock-<n+1>`, which only one can, and which names a socket that is listened on already. So no two
 * of one machine ever have it, and no time-out is needed. The kernel of another machine cannot be asked: there its signs count.
 */
import { once } from 'node:events'
import { link, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join, relative } from 'node:path'
import type { Host } from '../../contracts/host.ts'
import { fsCode, onDisk } from './errors.ts'
import { type Holder, inUse, whoHas } from './lock-holder.ts'
import { giveSigns, holderOf, numbers, type SocketHolder, silent, type Waiting } from './lock-signs.ts'
import { tempPath } from './temp-file.ts'

/**
 * @param quiet as the host of `waiting`, but its timers keep no process alive
 * @throws BlockgateError `dir-in-use`
 */
export async function lockBySocket(
  folder: string,
  who: Holder,
  waiting: Waiting,
  quiet: Host,
): Promise<AsyncDisposable> {
  const { dir } = waiting
  const { log } = waiting.host
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined))?.trim()
  const me: SocketHolder = { ...who, boot, socket: `lock-${crypto.randomUUID()}.sock` }
  const path = (n: number) => join(folder, `lock-${n}`)
  let server: Server | undefined
  try {
    for (;;) {
      const last = (await numbers(folder)).at(-1) ?? 0
      const held = last > 0 ? await holderOf(path(last)) : undefined
      const alive = held && (await isAlive(folder, held, me))
      if (held && alive) throw inUse(dir, held)
      const watched = alive === undefined ? held : undefined
      if (watched && !(await silent(path(last), watched, waiting))) continue
      try {
        server ??= await listening(join(folder, me.socket))
      } catch (error) {
        const message = 'dir cannot be locked: nothing keeps another gateway from using it too'
        log.warn(message, { dir, error: fsCode(error) })
        return { async [Symbol.asyncDispose]() {} }
      }
      const mine = path(last + 1)
      if (!(await made(mine, me))) continue
      const now = await numbers(folder)
      if (now.at(-1) !== last + 1) {
        // Ours was made in the place of one that others had left behind long ago.
        await rm(mine, { force: true })
        continue
      }
      if (held) await rm(join(folder, held.socket), { force: true })
      for (const n of now.slice(0, -1)) await rm(path(n), { force: true })
      if (watched) log.warn('no sign of who had dir: the lock is taken over', { dir, holder: whoHas(watched) })
      const listens = server
      server = undefined
      const signs = giveSigns(dir, folder, last + 1, me, quiet)
      return {
        async [Symbol.asyncDispose]() {
          signs[Symbol.dispose]()
          // Somebody may have removed it by hand, and another process have the lock since. It ends with this process anyway.
          const current = await holderOf(mine).catch(() => undefined)
          if (current?.socket === me.socket) await truncate(mine).catch(() => {})
          await closed(listens)
        },
      }
    }
  } finally {
    if (server) await closed(server)
  }
}

/** What its kernel says; undefined where that is another machine's. */
async function isAlive(folder: string, held: SocketHolder, me: SocketHolder): Promise<boolean | undefined> {
  const sameKernel = held.boot !== undefined && me.boot !== undefined ? held.boot === me.boot : held.host === me.host
  if (sameKernel) return await answers(join(folder, held.socket))
  // The same machine, which was started anew: nothing of before runs.
  return held.host === me.host ? false : undefined
}

/** Whole from the moment when it shows, and false where it is there already. */
async function made(path: string, me: SocketHolder): Promise<boolean> {
  const temp = tempPath(path)
  await onDisk(`write "${path}"`, writeFile(temp, JSON.stringify(me)))
  try {
    await link(temp, path)
    return true
  } catch (error) {
    if (fsCode(error) === 'EEXIST') return false
    return await onDisk(`write "${path}"`, Promise.reject(error))
  } finally {
    await rm(temp, { force: true })
  }
}

/** A path to a socket has a limit of some 100 bytes: from the working folder it may be shorter. */
function short(path: string): string {
  const near = relative('', path)
  return near.length < path.length ? near : path
}

/** It keeps no process alive. */
async function listening(path: string): Promise<Server> {
  const server = createServer(socket => socket.destroy()).listen(short(path))
  await once(server, 'listening')
  server.on('error', () => {})
  return server.unref()
}

function closed(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}

/** Whether somebody listens; also where it cannot be told. */
async function answers(path: string): Promise<boolean> {
  const socket = connect(short(path))
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return !['ECONNREFUSED', 'ENOENT'].includes(fsCode(error))
  } finally {
    socket.destroy()
  }
}
