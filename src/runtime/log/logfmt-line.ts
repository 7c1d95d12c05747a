/** A line of a log as logfmt, as Prometheus and Thanos write it: `key=value` pairs. */
import type { Fields } from '../../contracts/host.ts'
import { activeTraceIds } from '../../contracts/trace-ids.ts'
import { json, type LogLevel } from './json-line.ts'

/** One line, without a line feed; `now` in ms since the epoch. Its own three keys win over fields of the same name. */
export function logfmtLine(now: number, level: LogLevel, message: string, fields: Fields): string {
  const own = { ts: new Date(now).toISOString(), level, msg: message }
  return pairs({ ...own, ...activeTraceIds(), ...fields, ...own }).join(' ')
}

/** `key=value` of each field that has one. */
export function pairs(fields: Fields, other: (value: unknown) => string = value => quoted(json(value))): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const text = typeof value === 'string' ? quoted(value) : other(value)
      return `${key.replaceAll(/[\s"=]/g, '_')}=${text}`
    })
}

function quoted(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : JSON.stringify(text)
}
