/** A log on stderr: lines for a person on a terminal, a line of JSON for a machine everywhere else. */
import type { Fields, Log } from '../contracts/host.ts'
import { json, jsonLine, type LogLevel } from './log/json-line.ts'
import { visible } from './terminal/visible.ts'

export interface LogOptions {
  /** Default: stderr. */
  readonly stream?: { readonly isTTY?: boolean | undefined; write(text: string): unknown } | undefined
  /** Default: the process's own. `NO_COLOR` (https://no-color.org) and `TERM=dumb` turn colours off. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The wall clock, in ms. */
  readonly now?: (() => number) | undefined
}

/** Never throws for what it is given. stdout stays free for results. */
export function nodeLog(options: LogOptions = {}): Log {
  const stream = options.stream ?? process.stderr
  const env = options.env ?? process.env
  const now = options.now ?? Date.now
  const colour = !env.NO_COLOR && env.TERM !== 'dumb'
  const line = (level: LogLevel, message: string, fields: Fields): string =>
    stream.isTTY ? forPerson(now(), level, message, fields, colour) : jsonLine(now(), level, message, fields)
  const at =
    (level: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      stream.write(`${line(level, message, fields)}\n`)
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

const COLOUR: Readonly<Record<LogLevel, string>> = { info: '\u001b[32m', warn: '\u001b[33m', error: '\u001b[31m' }
const PLAIN = '\u001b[0m'

function forPerson(now: number, level: LogLevel, message: string, fields: Fields, colour: boolean): string {
  const time = new Date(now).toISOString().slice(11, 19)
  const word = level.toUpperCase().padEnd(5)
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${short(value)}`)
  return (
    visible(`${time} `) + (colour ? `${COLOUR[level]}${word}${PLAIN}` : word) + visible(` ${message}${shown.join('')}`)
  )
}

function short(value: unknown): string {
  if (typeof value !== 'string') return json(value)
  return /^[\w./:@%+-]+$/.test(value) ? value : JSON.stringify(value)
}
