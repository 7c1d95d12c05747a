/** A log on stderr: lines for a person on a terminal, a line of JSON for a machine everywhere else. */
import type { Fields, Log } from '../contracts/host.ts'
import { activeTraceIds } from '../contracts/trace-ids.ts'
import { json, jsonLine, type LogLevel } from './log/json-line.ts'
import { logfmtLine, pairs } from './log/logfmt-line.ts'
import { type Painter, painter, visible } from './terminal/text.ts'

/** `text`: for a person. */
export type LogFormat = 'json' | 'logfmt' | 'text'
export const LOG_FORMATS: readonly LogFormat[] = ['json', 'logfmt', 'text']
export const LOG_LEVELS: readonly LogLevel[] = ['info', 'warn', 'error']

export interface LogOptions {
  /** Default: stderr. */
  readonly stream?: { readonly isTTY?: boolean | undefined; write(text: string): unknown } | undefined
  /** Default: the process's own. `NO_COLOR` (https://no-color.org) and `TERM=dumb` turn colours off. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The wall clock, in ms. */
  readonly now?: (() => number) | undefined
  /** Lines below it are left out. Default `info`: all are written. */
  readonly level?: LogLevel | undefined
  /** Default: `text` on a terminal, else `json`. */
  readonly format?: LogFormat | undefined
}

const COLOUR = { info: 'green', warn: 'yellow', error: 'red' } as const satisfies Record<LogLevel, keyof Painter>

/** Never throws for what it is given. stdout stays free for results. */
export function nodeLog(options: LogOptions = {}): Log {
  const { stream = process.stderr, env = process.env, now = Date.now, level: lowest = 'info' } = options
  const format = options.format ?? (stream.isTTY ? 'text' : 'json')
  const paint = painter(stream, env)
  const lines = {
    json: jsonLine,
    logfmt: logfmtLine,
    text(at: number, level: LogLevel, message: string, fields: Fields): string {
      const time = new Date(at).toISOString().slice(11, 19)
      const shown = pairs({ ...activeTraceIds(), ...fields }, json).map(pair => ` ${pair}`)
      return `${time} ${paint[COLOUR[level]](level.toUpperCase().padEnd(5))}${visible(` ${message}${shown.join('')}`)}`
    },
  }
  const at = (level: LogLevel): Log[LogLevel] => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(lowest)) return () => {}
    return (message, fields = {}) => {
      stream.write(`${lines[format](now(), level, message, fields)}\n`)
    }
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
