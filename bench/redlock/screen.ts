/** Progress: one line that changes on a terminal, plain lines elsewhere. */

export interface Screen {
  /** Something happened. */
  say(text: string): void
  /** How it stands now; only a terminal shows it. */
  status(text: string): void
}

export function screenOn(output: NodeJS.WriteStream): Screen {
  const begun = performance.now()
  const clock = () => `${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  `
  const width = () => (output.columns ?? 80) - 1
  return {
    say: text => void output.write(`${output.isTTY ? '\r\x1b[K' : ''}${clock()}${text}\n`),
    status(text) {
      if (output.isTTY) output.write(`\r\x1b[K${`${clock()}${text}`.slice(0, width())}`)
    },
  }
}
