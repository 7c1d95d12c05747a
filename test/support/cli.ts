/** The real command line, as a child process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { denoArgs, denoPath, type Permissions } from './deno.ts'

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'src/cli/main.ts')
export const QUICKSTART = join(ROOT, 'examples/quickstart')
/** The block of the quickstart that is not JSON, and the one that is still being uploaded. */
export const BROKEN = '01M82F4W1AJPQ8W3SMHJ86ECVW'
export const UNFINISHED = '01M82F4VZX6D8RGEKE0HPYTSKH'

export interface Ended {
  /** The exit code; null where a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** So far. */
  readonly stderr: string
  /** Resolves when stdout and stderr together hold `text`; rejects with all that was printed where the process ends before. */
  printed(text: string): Promise<void>
}

export interface CliOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Before the main file. */
  readonly nodeArgs?: readonly string[]
  /** Runs it on a terminal, with `script` of bsdutils: stdout then has all that it shows. */
  readonly terminal?: boolean
  /** Runs it as somebody whom the permissions of files hold, also where the tests run as root. */
  readonly powerless?: boolean
  /** Runs it under Deno, with these permissions. */
  readonly deno?: Permissions
}

export function start(
  args: readonly string[],
  { cwd, env = {}, nodeArgs = [], terminal = false, powerless = false, deno }: CliOptions,
): Running {
  const runtime = deno ? denoPath() : process.execPath
  const argv = [...(deno ? denoArgs(deno) : ['--conditions=blockgate-source', ...nodeArgs]), MAIN, ...args]
  const unprivileged = powerless && process.getuid?.() === 0
  const quoted = [runtime, ...argv].map(arg => `'${arg}'`).join(' ')
  const [file, fileArgs] = terminal
    ? ['script', ['--quiet', '--return', '--flush', '--command', quoted, '/dev/null']]
    : unprivileged
      ? ['setpriv', ['--bounding-set=-dac_override,-dac_read_search', runtime, ...argv]]
      : [runtime, argv]
  const child = spawn(file, fileArgs, {
    cwd,
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  const waiting = new Set<() => void>()
  const more = () => {
    for (const look of waiting) look()
  }
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
    more()
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
    more()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
  return {
    child,
    ended,
    get stderr() {
      return stderr
    },
    printed: text =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!(stdout + stderr).includes(text)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        ended.then(end => reject(new Error(`ended before it printed "${text}": ${JSON.stringify(end)}`)), reject)
      }),
  }
}

/** Runs to the end. */
export function blockgate(args: readonly string[], options: CliOptions): Promise<Ended> {
  return start(args, options).ended
}

export interface Project {
  readonly folder: string
  /** Of `bucket/`, a copy of the quickstart's without its broken block. */
  readonly bucket: string
  write(name: string, text: string): void
}

/** A user's project in `folder`: `blockgate` can be imported there, and there is a bucket. */
export function project(folder: string, packageJson: object = { type: 'module' }): Project {
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules/blockgate'))
  const bucket = join(folder, 'bucket')
  cpSync(join(QUICKSTART, 'bucket'), bucket, { recursive: true })
  rmSync(join(bucket, BROKEN), { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write('package.json', JSON.stringify(packageJson))
  return { folder, bucket, write }
}

/** A config with these stages between the source and the sink. `head` stands before it. */
export function configText(stages: string, head = '', options = ''): string {
  return `import { defineConfig, owned, skip } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { directory } from 'blockgate/plugins/sink/directory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
${head}
export default defineConfig(({ env }) => ({
  bucket: fs({ root: './bucket' }),
  pipeline: [scanBucket(), ${stages} directory()],
  http: '127.0.0.1:0',
  ${options}
}))
`
}
