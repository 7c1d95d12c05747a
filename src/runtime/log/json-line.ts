/** A line of a log for machines: JSON, on every runtime. */
import type { Fields } from '../../contracts/host.ts'
import { activeTraceIds } from '../../contracts/trace-ids.ts'

export type LogLevel = 'info' | 'warn' | 'error'

/**
 * One object, without a line feed; `now` in ms since the epoch. Its own three keys win over fields of the same name. Written in a
 * recorded trace, it has `trace_id` and `span_id`.
 */
export function jsonLine(now: number, level: LogLevel, message: string, fields: Fields): string {
  const own = { time: new Date(now).toISOString(), level, message }
  const members = Object.entries({ ...own, ...activeTraceIds(), ...fields, ...own })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${JSON.stringify(key)}:${json(value)}`)
  return `{${members.join(',')}}`
}

/** `value` as JSON, whatever it is: never throws. */
export function json(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_, v: unknown) => {
        if (typeof v === 'bigint') return String(v)
        if (v instanceof Error) return v.stack ?? v.message
        if (v instanceof Set) return [...v]
        return v instanceof Map ? Object.fromEntries(v) : v
      }) ?? JSON.stringify(String(value))
    )
  } catch (error) {
    // A circle, or a getter that throws: the line must still be written.
    return JSON.stringify(`unprintable: ${error}`)
  }
}
