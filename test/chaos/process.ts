/** One gateway as a process of its own: the real command line. It dies with the process that started it. */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { GatewayEvent } from './settings.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const CONFIG = join(import.meta.dirname, 'blockgate.config.ts')

export interface GatewayProcess {
  /** Exit code, or signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  signal(name: NodeJS.Signals): void
}

/** `log`: a file for its log, which grows over several processes. */
export function startProcess(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  log: string,
  onEvent: (event: GatewayEvent) => void,
): GatewayProcess {
  const node = [process.execPath, '--conditions=blockgate-source', MAIN, ...args, '--config', CONFIG]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...node], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const file = createWriteStream(log, { flags: 'a' })
  child.stderr.pipe(file, { end: false })
  createInterface({ input: child.stdout }).on('line', line => {
    if (line.startsWith('{"event":')) onEvent(JSON.parse(line) as GatewayEvent)
    else file.write(`${line}\n`)
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      file.end()
      resolve(code ?? signal ?? -1)
    })
  })
  return { ended, signal: name => void child.kill(name) }
}
