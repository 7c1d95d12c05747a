/** How a command ends: exit codes, and the errors that choose one. */

/** Their meaning: see EXIT_CODES. */
export const ExitCode = { ok: 0, findings: 1, usage: 2, failed: 3, nothingServed: 4 } as const

export const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'fine'],
  [
    '1',
    'a block failed or its owners were unknown, the view was incomplete, or drops wait for --confirm-drops; of other commands: see there',
  ],
  ['2', 'bad usage, a bad config, or one without members to look at: nothing was started'],
  ['3', 'the run failed, the gateway could not start, its dir is in use, or the member store is away'],
  ['4', 'sync: nothing is served, though there is something in the bucket: the summary says what stands in the way'],
  ['129, 130, 143', 'ended by SIGHUP, SIGINT or SIGTERM before the result was there; run ends with 0'],
]

/** Ends the command with `code`; the message, of one line or more, is for the person who typed it. */
export class CliError extends Error {
  readonly code: number

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.code = code
  }
}

/** A command that cannot be followed, or a config that cannot be used. */
export function usageError(message: string, options?: ErrorOptions): CliError {
  return new CliError(ExitCode.usage, message, options)
}
