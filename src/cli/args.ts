/** From what was typed to a command and its arguments; what cannot be followed names the nearest that could. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { rawMessageOf } from '../contracts/errors.ts'
import { suggestion } from '../contracts/nearest.ts'
import { type Args, type Command, OPTIONS, type OptionName } from './command.ts'
import { usageError } from './exit.ts'
import { memberId, time, wholeNumber } from './values.ts'

export type Request =
  | { readonly do: 'help'; readonly command: Command | undefined }
  | { readonly do: 'version' }
  | { readonly do: 'run'; readonly command: Command; readonly args: Args }

const SHORT: Readonly<Partial<Record<OptionName, string>>> = { help: 'h' }

/** @throws CliError with exit code 2 */
export function readArgs(argv: readonly string[], commands: readonly Command[]): Request {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: known(Object.keys(OPTIONS) as OptionName[]),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const [name, ...rest] = positionals
  const command = commands.find(c => c.name === name)
  if (name !== undefined && !command) {
    throw usageError(`unknown command "${name}"${suggestion(name, namesOf(commands)) || list(commands)}`)
  }
  const unknown = tokens.flatMap(token =>
    token.kind === 'option' ? optionProblem(token.name, token.rawName, command) : [],
  )
  if (unknown.length > 0) throw usageError([...new Set(unknown)].join('; '))
  if (values.help === true) return { do: 'help', command }
  if (!command) {
    if (values.version === true) return { do: 'version' }
    throw usageError(`a command must be given${list(commands)}`)
  }
  const { argument } = command
  if (argument === undefined && rest.length > 0) throw usageError(`${command.name} takes no argument: "${rest[0]}"`)
  if (argument !== undefined && rest.length !== 1) {
    const given = rest.length === 0 ? 'none is given' : `${rest.length} are given`
    throw usageError(`${command.name} needs one argument, ${argument}: ${given}`)
  }
  return { do: 'run', command, args: { ...strict(argv, command), argument: rest[0] ?? '' } }
}

function strict(argv: readonly string[], command: Command): Omit<Args, 'argument'> {
  let values: Readonly<Record<string, unknown>>
  try {
    values = parseArgs({ args: [...argv], options: known(namesFor(command)), allowPositionals: true }).values
  } catch (error) {
    // Of a value that is missing, or that a flag does not take; its later sentences are about parseArgs itself.
    throw usageError(rawMessageOf(error).split(/\.\s/)[0] ?? '', { cause: error })
  }
  const text = (name: OptionName) => (typeof values[name] === 'string' ? values[name] : undefined)
  const member = text('member')
  return {
    config: text('config'),
    json: values.json === true,
    confirmDrops: values['confirm-drops'] === true,
    min: wholeNumber('--min', text('min')),
    wait: time('--wait', text('wait')),
    member: member === undefined ? undefined : memberId(member),
    cancel: values.cancel === true,
    off: values.off === true,
  }
}

function optionProblem(name: string, typed: string, command: Command | undefined): readonly string[] {
  const names: readonly string[] = command ? namesFor(command) : ['help', 'version']
  if (names.includes(name)) return []
  const where = command ? ` of ${command.name}` : ''
  const options = names.map(known => `--${known}`)
  return [`unknown option ${typed}${where}${suggestion(typed, options)}`]
}

function namesFor(command: Command): readonly OptionName[] {
  return [...command.options, 'help']
}

function known(names: readonly OptionName[]): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    names.map(name => {
      const short = SHORT[name]
      return [name, { type: OPTIONS[name].type, ...(short && { short }) }]
    }),
  )
}

function namesOf(commands: readonly Command[]): string[] {
  return commands.map(c => c.name)
}

function list(commands: readonly Command[]): string {
  return `: the commands are ${namesOf(commands).join(', ')}`
}
