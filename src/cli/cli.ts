/** The command line: runs the command that was typed, prints errors as lines for a person, and chooses the exit code. */
import { setTimeout } from 'node:timers/promises'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import { exitNow, inFileSystem } from '../runtime/server/stop-signals.ts'
import { painter, visible } from '../runtime/terminal/text.ts'
import { VERSION } from '../version.ts'
import { readArgs } from './args.ts'
import type { Io } from './command.ts'
import { COMMANDS } from './commands.ts'
import { CliError, ExitCode } from './exit.ts'
import { commandHelp, globalHelp } from './help.ts'

/** Runs the process. It exits at the end, also where a plugin left a timer or a connection open. */
export async function cli(process: NodeJS.Process): Promise<void> {
  const { stdout, stderr, env } = process
  // `blockgate check | head` closes the pipe: an error of it cannot be printed.
  for (const stream of [stdout, stderr]) stream.on('error', () => {})
  const code = await main(process.argv.slice(2), { stdout, stderr, env, cwd: process.cwd() })
  await Promise.all([stdout, stderr].map(flushed))
  for (let waits = 0; waits < 50 && inFileSystem(); waits++) await setTimeout(100)
  if (inFileSystem()) stderr.write('blockgate: a call to the file system does not return: the process is killed\n')
  exitNow(code)
}

/** @returns the exit code. Never rejects. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    const request = readArgs(argv, COMMANDS)
    if (request.do === 'run') return await request.command.run(request.args, io)
    if (request.do === 'version') io.stdout.write(`${VERSION}\n`)
    else io.stdout.write(request.command ? commandHelp(request.command) : globalHelp(COMMANDS))
    return ExitCode.ok
  } catch (error) {
    io.stderr.write(`${painter(io.stderr, io.env).red('blockgate:')} ${inLines(messageOf(error))}\n`)
    return exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.code
  return codeOf(error) === ErrorCode.invalidConfig ? ExitCode.usage : ExitCode.failed
}

/** An error without a code is a bug, of blockgate or of a plugin: its stack says where. */
function messageOf(error: unknown): string {
  if (error instanceof CliError) return error.message
  if (error instanceof BlockgateError || codeOf(error) !== undefined) {
    return `${codeOf(error)}: ${rawMessageOf(error)}`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** A message may quote text of a bucket: new lines in it are printed, and nothing else that steers a terminal. */
function inLines(message: string): string {
  return message.replaceAll('\t', '  ').split('\n').map(visible).join('\n')
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise(resolve => {
    stream.write('', () => resolve())
  })
}
