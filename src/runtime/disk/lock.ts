/**
 * One process at a time on a data folder. The kernel says whether the holder is there, so a lock ends with its process, however
 * that ends, and a process id that comes again means nothing. On Deno it is a lock of a file; Node has none, and listens on a
 * Unix socket. Neither sees the other's.
 */
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../host.ts'
import { onDisk } from './errors.ts'
import { lockFile } from './lock-deno.ts'
import type { Holder } from './lock-holder.ts'
import { lockBySocket } from './lock-socket.ts'

/**
 * Takes the lock of `dir`; disposing it gives it back. The files are in `state/` below it.
 * @throws BlockgateError `dir-in-use` that names who has it
 */
export async function lockFolder(dir: string, command: string, log: Log): Promise<AsyncDisposable> {
  const folder = join(dir, 'state')
  await onDisk(`use folder "${folder}"`, mkdir(folder, { recursive: true }))
  const me: Holder = { pid: process.pid, host: hostName(), command, since: new Date().toISOString() }
  if ('Deno' in globalThis) return lockFile(dir, join(folder, 'lock-deno'), me)
  return lockBySocket(dir, folder, me, log)
}

/** On Deno it may not be allowed, and is only told. */
function hostName(): string {
  try {
    return hostname()
  } catch {
    return 'a host that may not be named'
  }
}
