/** From what was typed to a command and its arguments. An error names the command or option that was probably meant. */
import { parseArgs } from 'node:util'
import { suggestion } from '../config/option-hints.ts'
import { parseDuration } from '../contracts/duration.ts'
import { MEMBER_ID } from '../members/contract.ts'
import { LOG_FORMATS, LOG_LEVELS } from '../runtime/node-log.ts'
import { type Args, type Command, OPTIONS, type OptionInfo, type OptionName } from './command.ts'
import { usageError } from './exit.ts'

export type Request =
  | { readonly do: 'help'; readonly command: Command | undefined }
  | { readonly do: 'version' }
  | { readonly do: 'run'; readonly command: Command; readonly args: Args }

const INFO: Readonly<Record<string, OptionInfo | undefined>> = OPTIONS

/** @throws CliError with exit code 2 */
export function readArgs(argv: readonly string[], commands: readonly Command[]): Request {
  const options = Object.entries(OPTIONS).map(([name, { value, short }]) => {
    return [name, { type: value === undefined ? 'boolean' : 'string', ...(short && { short }) }] as const
  })
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const [name, ...rest] = positionals
  const command = commands.find(c => c.name === name)
  const names = commands.map(c => c.name)
  const list = `: the commands are ${names.join(', ')}`
  if (name !== undefined && !command) throw usageError(`unknown command "${name}"${suggestion(name, names) || list}`)
  const problems = tokens.flatMap(token => (token.kind === 'option' ? optionProblem(token, command) : []))
  if (problems.length > 0) throw usageError([...new Set(problems)].join('; '))
  if (values.help === true) return { do: 'help', command }
  if (!command) {
    if (values.version === true) return { do: 'version' }
    throw usageError(`a command must be given${list}`)
  }
  const { argument } = command
  if (argument === undefined && rest.length > 0) throw usageError(`${command.name} takes no argument: "${rest[0]}"`)
  if (argument !== undefined && rest.length !== 1) {
    const given = rest.length === 0 ? 'none is given' : `${rest.length} are given`
    throw usageError(`${command.name} needs one argument, ${argument}: ${given}`)
  }
  const text = (name: OptionName) => (typeof values[name] === 'string' ? values[name] : undefined)
  const read = <T>(name: OptionName, as: (text: string) => T) => {
    const given = text(name)
    return given === undefined ? undefined : as(given)
  }
  const args = {
    config: text('config'),
    json: values.json === true,
    confirmDrops: values['confirm-drops'] === true,
    min: read('min', copies),
    wait: read('wait', time),
    member: read('member', memberId),
    cancel: values.cancel === true,
    off: values.off === true,
    verify: values.verify === true,
    match: text('match'),
    start: text('start'),
    end: text('end'),
    step: text('step'),
    url: text('url'),
    csv: values.csv === true,
    webConfig: text('web.config.file'),
    logLevel: read('log-level', oneOf('--log-level', LOG_LEVELS)),
    logFormat: read('log-format', oneOf('--log-format', LOG_FORMATS)),
    argument: rest[0] ?? '',
  }
  return { do: 'run', command, args }
}

interface OptionToken {
  readonly name: string
  /** As it was typed. */
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function optionProblem({ name, rawName, value, inlineValue }: OptionToken, command: Command | undefined): string[] {
  const names: readonly string[] = command ? [...command.options, 'help'] : ['help', 'version']
  if (!names.includes(name)) {
    const where = command ? ` of ${command.name}` : ''
    const options = names.map(known => `--${known}`)
    return [`unknown option ${rawName}${where}${suggestion(rawName, options)}`]
  }
  const needed = INFO[name]?.value
  if (needed === undefined) {
    return value === undefined ? [] : [`${rawName} takes no value: current value is ${JSON.stringify(value)}`]
  }
  // A time may be `-6h`.
  const isMissing = value === undefined || (!inlineValue && /^-(?!\d)/.test(value))
  return isMissing ? [`${rawName} must have a value: ${rawName} ${needed}`] : []
}

function oneOf<T extends string>(option: string, all: readonly T[]): (text: string) => T {
  return text => {
    const found = all.find(one => one === text)
    if (found !== undefined) return found
    throw usageError(`${option} must be one of ${all.join(', ')}: current value is ${JSON.stringify(text)}`)
  }
}

function copies(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw usageError(`--min must be a whole number >= 1: current value is ${JSON.stringify(text)}`)
}

function time(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw usageError(`--wait must be a time such as '90s' or '10m': current value is ${JSON.stringify(text)}`)
}

/** @throws CliError with exit code 2 */
export function memberId(text: string): string {
  if (MEMBER_ID.test(text)) return text
  const must = 'a member must be named by its id, 1 to 128 of A-Z a-z 0-9 . _ : -'
  throw usageError(`${must}: current value is ${JSON.stringify(text)}`)
}
