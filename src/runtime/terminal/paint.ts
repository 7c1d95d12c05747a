/** Colours, where they belong. */
import type { Env, Output } from './screen.ts'

type Paint = (text: string) => string
export type Painter = Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'yellow', Paint>>

/** On a terminal only; `NO_COLOR` (https://no-color.org), when set and not empty, and `TERM=dumb` turn them off. */
export function painter(output: Output, env: Env): Painter {
  const on = output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const code =
    (open: number, close: number): Paint =>
    text =>
      on ? `\x1b[${open}m${text}\x1b[${close}m` : text
  return { bold: code(1, 22), dim: code(2, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39) }
}
