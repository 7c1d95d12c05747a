/** A real Redis for tests and benchmarks: on a free port of 127.0.0.1, in a folder of its own, gone with its process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePorts } from './free-ports.ts'
import { type Daemon, startDaemon, until } from './radosgw/daemon.ts'

export interface RedisServer extends AsyncDisposable {
  readonly port: number
  /** `redis://127.0.0.1:port`, without a user. */
  readonly url: string
  /** Sends one command, as the default user, and gives what Redis answers. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** Kills the process and starts another one on the same port, with nothing in it. */
  restartEmpty(): Promise<void>
  /** Stops the process as it stands (SIGSTOP): connections stay open, nothing is answered. */
  pause(): void
  resume(): void
  /** Another Redis that has all that this one has, and follows it. */
  replica(): Promise<RedisServer>
  /** Kills the process. Safe twice. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** More of its command line, such as `['--requirepass', 'x']`. Default none. */
  readonly args?: readonly string[] | undefined
  /** How `command()` connects, beside host and port. Default: without a user. */
  readonly admin?: { readonly username?: string; readonly password?: string } | undefined
}

/**
 * Starts a Redis that keeps nothing on disk and listens on 127.0.0.1 alone.
 * @throws Error with its last words where it does not come up
 */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const [port = 0] = await freePorts(1)
  const folder = mkdtempSync(join(tmpdir(), 'blockgate-redis-'))
  const fixed = [
    '--bind',
    '127.0.0.1',
    '--port',
    `${port}`,
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
    '--repl-diskless-sync-delay',
    '0',
  ]
  let daemon: Daemon
  let admin: Redis
  const start = async () => {
    daemon = startDaemon('redis-server', [...fixed, ...(options.args ?? [])])
    admin = new Redis({ host: '127.0.0.1', port, ...options.admin, lazyConnect: true, retryStrategy: () => 20 })
    admin.on('error', () => {})
    await until('redis-server', daemon, async () => (await admin.ping().catch(() => '')) === 'PONG')
  }
  const stop = async () => {
    admin.disconnect()
    await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (name, ...args) => admin.call(name, ...args),
    async restartEmpty() {
      admin.disconnect()
      await daemon.stop()
      await start()
    },
    pause: () => void process.kill(daemon.pid, 'SIGSTOP'),
    resume: () => void process.kill(daemon.pid, 'SIGCONT'),
    async replica() {
      const follower = await startRedis({
        ...options,
        args: [...(options.args ?? []), '--replicaof', '127.0.0.1', `${port}`],
      })
      const synced = async () => String(await follower.command('INFO', 'replication')).includes('master_link_status:up')
      await until('the replica', daemon, synced)
      return follower
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
