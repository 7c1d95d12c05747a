/** The texts of --help, from the table of the commands. */
import { type Command, OPTIONS, type OptionName } from './command.ts'
import { EXIT_CODES } from './exit.ts'
import { table } from './text.ts'

export function globalHelp(commands: readonly Command[]): string {
  return sections(
    ['Usage: blockgate <command> [options]'],
    ['A store gateway for Prometheus TSDB blocks, whose sync is the pipeline in your config.'],
    [
      'Commands',
      ...table(
        commands.map(c => [usage(c), c.summary]),
        '  ',
      ),
    ],
    options(['help', 'version']),
    exitCodes(),
    examples(commands.flatMap(c => c.examples.slice(0, 1))),
    ['`blockgate <command> --help` says more about one of them.'],
  )
}

export function commandHelp(command: Command): string {
  return sections(
    [`Usage: blockgate ${usage(command)} [options]`],
    command.details,
    options([...command.options, 'help']),
    exitCodes(),
    examples(command.examples),
  )
}

function sections(...all: readonly (readonly string[])[]): string {
  return `${all.map(lines => lines.join('\n')).join('\n\n')}\n`
}

function usage({ name, argument }: Command): string {
  return argument === undefined ? name : `${name} ${argument}`
}

function options(names: readonly OptionName[]): string[] {
  const rows = names.map(name => {
    const { value, about } = OPTIONS[name]
    return [`--${name}${value === undefined ? '' : ` ${value}`}`, about]
  })
  return ['Options', ...table(rows, '  ')]
}

function exitCodes(): string[] {
  return ['Exit codes', ...table(EXIT_CODES, '  ')]
}

function examples(lines: readonly string[]): string[] {
  return ['Examples', ...lines.map(line => `  ${line}`)]
}
