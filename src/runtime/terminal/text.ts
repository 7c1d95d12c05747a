/** Colours, and texts that steer no terminal. Numbers for a person: contracts/text.ts. */
import { styleText } from 'node:util'
import type { Env, Output } from './screen.ts'

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan' | 'magenta'
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
    blue: inColour('blue'),
    cyan: inColour('cyan'),
    magenta: inColour('magenta'),
  }
}

/** Texts come out of buckets: none of them may end a line, or steer a terminal. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding those is what it is for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, c => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
