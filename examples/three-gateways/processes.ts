// A Redis and gateways as processes of their own, all of which end with this one.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const ROOT = new URL('../../', import.meta.url).pathname
const CLI = [process.execPath, '--conditions=blockgate-source', join(ROOT, 'src/cli/main.ts')] as const

const CONFIGS: Readonly<Record<string, string>> = {
  ring: 'blockgate.config.ts',
  redlock: 'blockgate.redlock.config.ts',
  balanced: 'blockgate.balanced.config.ts',
}
const { OWNERSHIP = 'ring' } = process.env
const name = CONFIGS[OWNERSHIP]
if (name === undefined) throw new Error(`OWNERSHIP must be ring, redlock or balanced: current value is ${OWNERSHIP}`)
const CONFIG = new URL(name, import.meta.url).pathname

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
  const child = spawn(command, args, { env, stdio: 'ignore' })
  children.add(child)
  child.on('exit', () => children.delete(child))
  return child
}

export async function startRedis(): Promise<string> {
  const port = await freePort()
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  start('redis-server', args).on('error', () => {
    console.error('redis-server must be installed: apt-get install redis-server')
    process.exit(1)
  })
  return `redis://127.0.0.1:${port}`
}

export class GatewayProcess {
  readonly id: string
  readonly url: string
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined

  private constructor(id: string, http: string, env: NodeJS.ProcessEnv) {
    this.id = id
    this.url = `http://${http}`
    this.#env = env
  }

  static async make(id: string, redis: string, temp: string): Promise<GatewayProcess> {
    const http = `127.0.0.1:${await freePort()}`
    const dir = join(temp, id)
    mkdirSync(dir)
    return new GatewayProcess(id, http, { ...process.env, ID: id, HTTP: http, DIR: dir, REDIS_URL: redis })
  }

  start(): void {
    const [command, ...args] = CLI
    this.#child = start(command, [...args, 'run', '--config', CONFIG], this.#env)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** `blockgate <args>` with the config of this gateway. Resolves with its exit code. */
  command(...args: readonly string[]): Promise<number | null> {
    const [command, ...cli] = CLI
    const child = start(command, [...cli, ...args, '--config', CONFIG], this.#env)
    return new Promise(resolve => child.on('exit', resolve))
  }

  /** What it serves and whether it may be asked; undefined where it does not answer. */
  async serving(): Promise<{ readonly ready: boolean; readonly blocks: readonly string[] } | undefined> {
    try {
      const answer = await fetch(`${this.url}/api/v1/serving`, { signal: AbortSignal.timeout(1_000) })
      return answer.ok ? ((await answer.json()) as { ready: boolean; blocks: string[] }) : undefined
    } catch {
      return undefined // not there, or not yet
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
