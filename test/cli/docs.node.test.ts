import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readArgs } from '../../src/cli/args.ts'
import { OPTIONS } from '../../src/cli/command.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { EXIT_CODES, ExitCode } from '../../src/cli/exit.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')

/** The arguments after `blockgate` in a line of a shell. */
const argsOf = (line: string) => (line.split(/\bblockgate /)[1] ?? '').split(' | ')[0]?.split(' ') ?? []

describe('docs/cli.md', () => {
  it.each(COMMANDS.map(c => [c.name, c] as const))('has a section on %s, and its options', (name, command) => {
    const usage = command.argument === undefined ? name : `${name} ${command.argument}`
    const options = command.options.map(option => `\`--${option}\``).join(', ')
    expect(text).toContain(`| [\`${usage}\`](#${name}) | `)
    expect(text).toMatch(new RegExp(`\\(#${name}\\) \\| .* \\| ${options} \\|\n`))
    expect(text).toContain(`\n## ${name}\n`)
  })

  it('explains every option', () => {
    for (const option of Object.keys(OPTIONS)) expect(text).toMatch(new RegExp(`^\\| \`--${option}\\b`, 'm'))
  })

  it('has the exit codes of the help, each with all that the help says of it', () => {
    const [, table = ''] = /^\| exit code \| meaning \|\n\| --- \| --- \|\n((?:\|.*\n)+)/m.exec(text) ?? []
    const rows = [...table.matchAll(/^\| ([\d, ]+) \| (.*) \|$/gm)].map(
      ([, code, meaning = '']) => [code, meaning] as const,
    )
    expect(rows.map(([code]) => code)).toEqual(EXIT_CODES.map(([code]) => code))
    for (const [i, [code, meaning]] of EXIT_CODES.entries()) {
      const documented = rows[i]?.[1].replace(/`|\[|\]\([^)]*\)/g, '').split('; ')
      const parts = meaning.split('; ').filter(part => part !== 'of other commands: see there')
      expect([code, ...(documented ?? [])]).toEqual(expect.arrayContaining([code, ...parts]))
    }
    expect(Object.values(ExitCode).map(String)).toEqual(
      EXIT_CODES.map(([code]) => code).filter(code => /^\d$/.test(code)),
    )
  })

  const examples = [
    ...[...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) => code.trimEnd().split('\n')),
    ...COMMANDS.flatMap(c => c.examples),
  ]
  it.each(examples)('`%s` can be followed', line => {
    expect(readArgs(argsOf(line), COMMANDS).do).toBe('run')
  })
})
