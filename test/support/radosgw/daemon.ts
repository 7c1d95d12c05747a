/** A server that a test starts: it ends with the process that started it, however that ends. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

/** Kept of what a server says, for the message of a start that failed. */
const TAIL = 4000

export interface Daemon {
  readonly pid: number
  /** Undefined while it runs; then why it ended, with its last words. */
  readonly ended: string | undefined
  /** Kills it by its pid and waits until it is gone. Safe twice. */
  stop(): Promise<void>
}

/**
 * Starts `command`. The kernel kills it when this process dies, also by SIGKILL (`setpriv --pdeathsig`): a test run that is
 * torn down leaves nothing behind. What these servers hold is thrown away, so they are always killed outright.
 */
export function startDaemon(command: string, args: readonly string[]): Daemon {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-TAIL)
    })
  }
  let ended: string | undefined
  const gone = new Promise<void>(resolve => {
    child.once('error', error => {
      ended = `${command} cannot be started: ${error.message}`
      resolve()
    })
    child.once('close', (code, signal) => {
      ended ??= `${command} ended with ${signal ?? code}: ${said.trim()}`
      resolve()
    })
  })
  return {
    pid: child.pid ?? -1,
    get ended() {
      return ended
    },
    async stop() {
      kill(child)
      await gone
    },
  }
}

/** Runs a command to its end and gives its output. It is killed after a minute. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, timeout: 240_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      reject(new Error(`${command} ${args.join(' ')} failed: ${stderr.trim() || error.message}`, { cause: error }))
    })
  })
}

/** Asks `ready` until it is true. @throws where `daemon` ended or time is up */
export async function until(what: string, daemon: Daemon, ready: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 240_000
  while (!(await ready())) {
    if (daemon.ended !== undefined) throw new Error(`${what} must come up: ${daemon.ended}`)
    if (performance.now() > end) throw new Error(`${what} must come up within four minutes`)
    await delay(20)
  }
}

function kill(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
}
