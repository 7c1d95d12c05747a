/** Texts and numbers for a person at a terminal. */
import { styleText } from 'node:util'
import type { Env, Output } from './screen.ts'

type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow'
export type Painter = Readonly<Record<Colour, (text: string) => string>>

/** Colours on a terminal only; `NO_COLOR` (https://no-color.org), when set and not empty, and `TERM=dumb` turn them off. */
export function painter(output: Pick<Output, 'isTTY'>, env: Env): Painter {
  const on = output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const inColour = (colour: Colour) => (text: string) =>
    on ? styleText(colour, text, { validateStream: false }) : text
  return {
    bold: inColour('bold'),
    dim: inColour('dim'),
    red: inColour('red'),
    green: inColour('green'),
    yellow: inColour('yellow'),
  }
}

/** Texts come out of buckets: none of them may end a line, or steer a terminal. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding those is what it is for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, c => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** `12 B`, `1.5 kB`, `12.3 GB`: decimal, as object stores bill. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let at = 0
  // 999,950 would be shown as 1000.0 kB.
  while (at < units.length - 1 && value >= (at === 0 ? 1000 : 999.95)) {
    value /= 1000
    at++
  }
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`
}

/** `0.4 s`, `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function timeText(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  const min = Math.round(s / 60)
  return `${Math.floor(min / 60)} h ${min % 60} min`
}

/** `50,000`. */
export function countText(n: number): string {
  return n.toLocaleString('en')
}
