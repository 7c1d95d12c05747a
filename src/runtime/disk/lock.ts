/**
 * One process at a time on a data folder. The kernel says whether the holder is there, so a lock ends with its process, however
 * that ends. On Deno it is a lock of a file; Node has none, and listens on a Unix socket. Neither sees the other's.
 */
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Host } from '../../contracts/host.ts'
import { quietHost } from '../host/web.ts'
import { onDisk } from './errors.ts'
import { type Holder, inUse, parseHolder } from './lock-holder.ts'
import { lockBySocket } from './lock-socket.ts'

export interface LockOptions {
  /** Ends a wait for a process on another machine. */
  readonly signal?: AbortSignal | undefined
  /** Told when such a wait begins, and how long it may take, ms. */
  readonly onWait?: ((ms: number) => void) | undefined
  /** Whose timers keep no process alive: they show others that this one lives. Default: those of this process. */
  readonly quiet?: Host | undefined
}

/**
 * Takes the lock of `dir`; disposing it gives it back. The files are in `state/` below it. Where a process on another machine has
 * it, this waits up to a minute for a sign of that one: without any it is gone.
 *
 * @throws BlockgateError `dir-in-use` that names who has it; the reason of `signal`
 */
export async function lockFolder(
  dir: string,
  command: string,
  host: Host,
  { signal, onWait, quiet = quietHost(host.log) }: LockOptions = {},
): Promise<AsyncDisposable> {
  const folder = join(dir, 'state')
  await onDisk(`use folder "${folder}"`, mkdir(folder, { recursive: true }))
  const me: Holder = { pid: process.pid, host: hostName(), command, since: new Date().toISOString() }
  if ('Deno' in globalThis) return lockFile(dir, join(folder, 'lock-deno'), me)
  return lockBySocket(folder, me, { dir, host, signal, onWait }, quiet)
}

/** On Deno it may not be allowed, and is only told. */
function hostName(): string {
  try {
    return hostname()
  } catch {
    return 'a host that may not be named'
  }
}

/** What of Deno it takes. */
interface DenoFiles {
  openSync(path: string, options: { read: true; write: true; create: true }): DenoFile
  readTextFileSync(path: string): string
}
interface DenoFile {
  tryLockSync(exclusive: boolean): boolean
  truncateSync(length: number): void
  writeSync(bytes: Uint8Array): number
  close(): void
}

/** By `flock`: it needs no permission but the folder's own. */
function lockFile(dir: string, path: string, me: Holder): AsyncDisposable {
  const { Deno } = globalThis as unknown as { readonly Deno: DenoFiles }
  const file = Deno.openSync(path, { read: true, write: true, create: true })
  if (!file.tryLockSync(true)) {
    file.close()
    throw inUse(dir, parseHolder(Deno.readTextFileSync(path)))
  }
  file.truncateSync(0)
  file.writeSync(new TextEncoder().encode(JSON.stringify(me)))
  return {
    async [Symbol.asyncDispose]() {
      try {
        file.truncateSync(0)
      } finally {
        file.close()
      }
    },
  }
}
