/** One gateway as a process of its own: the real command line. It dies with the process that started it. */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventOf, type GatewayEvent } from './events.ts'

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'src/cli/main.ts')
const CONFIG = join(import.meta.dirname, 'blockgate.config.ts')

export interface ProcessOptions {
  readonly env: NodeJS.ProcessEnv
  /** A file for its log, which grows over several processes. */
  readonly log: string
  readonly onEvent: (event: GatewayEvent) => void
}

export interface GatewayProcess {
  readonly pid: number
  /** Exit code, or signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  signal(name: NodeJS.Signals): void
}

export function startProcess(command: string, args: readonly string[], options: ProcessOptions): GatewayProcess {
  const { env, log, onEvent } = options
  const node = [process.execPath, '--conditions=blockgate-source', MAIN, command, '--config', CONFIG, ...args]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...node], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const file = createWriteStream(log, { flags: 'a' })
  child.stderr.pipe(file, { end: false })
  createInterface({ input: child.stdout }).on('line', line => {
    const event = eventOf(line)
    if (event) onEvent(event)
    else file.write(`${line}\n`)
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      file.end()
      resolve(code ?? signal ?? -1)
    })
  })
  return { pid: child.pid ?? -1, ended, signal: name => void child.kill(name) }
}
