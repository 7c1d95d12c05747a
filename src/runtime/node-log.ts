/** A log on stderr: lines for a person on a terminal, a line of JSON for a machine everywhere else. */
import type { Fields, Log } from '../contracts/host.ts'
import { activeTraceIds } from '../contracts/trace-ids.ts'
import { json, jsonLine, type LogLevel } from './log/json-line.ts'
import { type Painter, painter, visible } from './terminal/text.ts'

export interface LogOptions {
  /** Default: stderr. */
  readonly stream?: { readonly isTTY?: boolean | undefined; write(text: string): unknown } | undefined
  /** Default: the process's own. `NO_COLOR` (https://no-color.org) and `TERM=dumb` turn colours off. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The wall clock, in ms. */
  readonly now?: (() => number) | undefined
}

const COLOUR = { info: 'green', warn: 'yellow', error: 'red' } as const satisfies Record<LogLevel, keyof Painter>

/** Never throws for what it is given. stdout stays free for results. */
export function nodeLog({ stream = process.stderr, env = process.env, now = Date.now }: LogOptions = {}): Log {
  const paint = painter(stream, env)
  const forPerson = (level: LogLevel, message: string, fields: Fields): string => {
    const time = new Date(now()).toISOString().slice(11, 19)
    const shown = Object.entries({ ...activeTraceIds(), ...fields })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${short(value)}`)
    return `${time} ${paint[COLOUR[level]](level.toUpperCase().padEnd(5))}${visible(` ${message}${shown.join('')}`)}`
  }
  const at =
    (level: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      const line = stream.isTTY ? forPerson(level, message, fields) : jsonLine(now(), level, message, fields)
      stream.write(`${line}\n`)
    }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

function short(value: unknown): string {
  if (typeof value !== 'string') return json(value)
  return /^[\w./:@%+-]+$/.test(value) ? value : JSON.stringify(value)
}
