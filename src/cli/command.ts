/** What a command is, and what all commands share: their options, and how they print. */
import type { LogLevel } from '../runtime/log/json-line.ts'
import type { LogFormat } from '../runtime/node-log.ts'
import { type Painter, painter } from '../runtime/terminal/text.ts'
import type { Env, Output } from '../runtime/terminal.ts'

/** The world of a command: the process, or a test's own. */
export interface Io {
  /** Results only. */
  readonly stdout: Output
  /** Progress, logs, errors. */
  readonly stderr: Output
  readonly env: Env
  readonly cwd: string
}

export interface OptionInfo {
  /** What stands for the value in the help, such as `<file>`; an option without it is a flag. */
  readonly value?: string
  readonly short?: string
  readonly about: string
}

export type OptionName =
  | 'config'
  | 'json'
  | 'confirm-drops'
  | 'min'
  | 'wait'
  | 'member'
  | 'cancel'
  | 'off'
  | 'verify'
  | 'match'
  | 'start'
  | 'end'
  | 'step'
  | 'url'
  | 'csv'
  | 'log-level'
  | 'web.config.file'
  | 'log-format'
  | 'help'
  | 'version'

/** Every option of every command: a name means the same everywhere. */
export const OPTIONS: Readonly<Record<OptionName, OptionInfo>> = {
  config: {
    value: '<file>',
    about: 'the config; default: blockgate.config.ts, .mts or .js in the working folder',
  },
  json: { about: 'print the result as JSON on stdout, and nothing else there' },
  'confirm-drops': { about: 'let the run drop as many blocks as it has reasons to' },
  min: { value: '<number>', about: 'how many live members must serve each block, >= 1; must be given' },
  wait: { value: '<time>', about: "wait up to this long, such as '90s' or '10m', and ask every 2 s" },
  member: { value: '<id>', about: "which member; default: the config's instance.id" },
  cancel: { about: 'take the drain back' },
  off: { about: 'end the freeze' },
  verify: { about: 'read the whole block, and check every checksum in it' },
  match: { value: '<selector>', about: 'which series, as in PromQL: \'up{job="node"}\'; must be given' },
  start: {
    value: '<time>',
    about: "first time: '2026-10-01T06:00:00Z', seconds since 1970, '-6h' or 'now'; default: a day before --end",
  },
  end: { value: '<time>', about: 'last time, written as --start is; default: now' },
  step: { value: '<time>', about: "one sample for each such time, as a graph has them: '5m'; default: all samples" },
  url: { value: '<url>', about: "ask the gateway or the Prometheus there, and not the config's bucket" },
  csv: { about: 'print a line of CSV for each sample' },
  'log-level': { value: '<level>', about: 'the least that is logged: info, warn or error; default: info' },
  'log-format': {
    value: '<format>',
    about: 'json, logfmt, or text for a person; default: text on a terminal, else json',
  },
  'web.config.file': {
    value: '<file>',
    about: "TLS and users of the HTTP server, in Prometheus' web configuration file",
  },
  help: { short: 'h', about: 'print this help' },
  version: { about: 'print the version' },
}

export interface Args {
  readonly config: string | undefined
  readonly json: boolean
  readonly confirmDrops: boolean
  readonly min: number | undefined
  /** In ms. */
  readonly wait: number | undefined
  readonly member: string | undefined
  readonly cancel: boolean
  readonly off: boolean
  readonly verify: boolean
  readonly match: string | undefined
  readonly start: string | undefined
  readonly end: string | undefined
  readonly step: string | undefined
  readonly url: string | undefined
  readonly csv: boolean
  readonly webConfig: string | undefined
  readonly logLevel: LogLevel | undefined
  readonly logFormat: LogFormat | undefined
  /** The command's argument; `''` where it takes none. */
  readonly argument: string
}

export interface Command {
  readonly name: string
  /** One line of the list of commands. */
  readonly summary: string
  /** The one argument it needs. */
  readonly argument?: string
  /** Beside `help`, which every command has. */
  readonly options: readonly OptionName[]
  /** What the help says beneath the usage. */
  readonly details: readonly string[]
  readonly examples: readonly string[]
  /** @returns the exit code. What it throws ends the process with 2 (usage, config) or 3. */
  run(args: Args, io: Io): Promise<number>
}

/** Prints `answer`: as one line of JSON with `--json`, else as the lines of `text`. */
export function print<T>(
  { json }: Args,
  { stdout, env }: Io,
  answer: T,
  text: (answer: T, paint: Painter) => readonly string[],
): void {
  const lines = json ? [JSON.stringify(answer)] : text(answer, painter(stdout, env))
  stdout.write(`${lines.join('\n')}\n`)
}
