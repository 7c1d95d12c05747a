/** The texts of --help, from the table of the commands. */
import { type Command, OPTIONS, type OptionName } from './command.ts'
import { EXIT_CODES } from './exit.ts'

export function globalHelp(commands: readonly Command[]): string {
  return [
    'Usage: blockgate <command> [options]',
    '',
    'A store gateway for Prometheus TSDB blocks, whose sync is the pipeline in your config.',
    '',
    'Commands',
    ...rows(commands.map(c => [usage(c), c.summary])),
    '',
    'Options',
    ...rows(optionRows(['help', 'version'])),
    '',
    ...exitCodes(),
    '',
    'Examples',
    ...commands.flatMap(c => c.examples.slice(0, 1).map(example => `  ${example}`)),
    '',
    '`blockgate <command> --help` says more about one of them.',
    '',
  ].join('\n')
}

export function commandHelp(command: Command): string {
  return [
    `Usage: blockgate ${usage(command)} [options]`,
    '',
    command.details,
    '',
    'Options',
    ...rows(optionRows([...command.options, 'help'])),
    '',
    ...exitCodes(),
    '',
    'Examples',
    ...command.examples.map(example => `  ${example}`),
    '',
  ].join('\n')
}

function usage({ name, argument }: Command): string {
  return argument === undefined ? name : `${name} ${argument}`
}

function exitCodes(): string[] {
  return ['Exit codes', ...rows(EXIT_CODES)]
}

function optionRows(names: readonly OptionName[]): (readonly [string, string])[] {
  return names.map(name => {
    const { value, about } = OPTIONS[name]
    return [`--${name}${value === undefined ? '' : ` ${value}`}`, about]
  })
}

function rows(table: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...table.map(([left]) => left.length))
  return table.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
