/** What the tests of the command line share: users' projects, and gateways that end with their test. */
import { afterEach, expect } from 'vitest'
import { type CliOptions, configText, type Ended, type Project, project, type Running, start } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

export const folder = tempFolders()

/** Blocks of the quickstart: compacted from three others; one of them; one that is in no bucket. */
export const PARENT = '01M82F6PPKPCYJMTRGKGY7ENZS'
export const CHILD = '01M82F4V1KFE99C9W1MH5YWA1N'
export const ABSENT = '01M82F4V3SVSEGMTRS010WXKD6'

/** A project with these stages between the source and the sink. */
export function projectWith(stages = '', head = '', options = ''): Project & { readonly cwd: string } {
  return projectOf(configText(stages, head, options))
}

export function projectOf(config: string): Project & { readonly cwd: string } {
  const made = project(folder())
  made.write('blockgate.config.ts', config)
  return { ...made, cwd: made.folder }
}

const started: Running[] = []
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})

/** Killed at the end of the test. */
export function running(args: readonly string[], options: CliOptions): Running {
  const made = start(args, options)
  started.push(made)
  return made
}

/** Sends the signal once `text` is printed. */
export async function endedBy(
  signal: NodeJS.Signals,
  { child, ended, printed }: Running,
  text: string,
): Promise<Ended> {
  await printed(text)
  child.kill(signal)
  return await ended
}

/** A stage that hangs; it ends with its block's signal where it `listens`. It prints `in flight`. */
export const hanging = (listens = false): string => `{ kind: 'block', name: 'hangs', handle: block => {
  process.stderr.write('in flight\\n')
  return new Promise((_, reject) => ${listens ? `block.signal.addEventListener('abort', () => reject(block.signal.reason))` : '{}'})
} },`

/** What was printed as one line of JSON. */
export function jsonLine(stdout: string): ReturnType<typeof JSON.parse> {
  expect(stdout.indexOf('\n')).toBe(stdout.length - 1)
  return JSON.parse(stdout)
}

/** What `query` printed on stderr, but for its progress: on a slow machine there is some. */
export function withoutProgress(stderr: string): string {
  return stderr.replace(/^(the blocks are listed|\d.* read.*, \d.* series, \d.* samples?)\n/gm, '')
}
