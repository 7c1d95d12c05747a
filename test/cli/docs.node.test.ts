import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readArgs } from '../../src/cli/args.ts'
import { OPTIONS } from '../../src/cli/command.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { EXIT_CODES } from '../../src/cli/exit.ts'

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

  it('explains every option and every exit code', () => {
    for (const option of Object.keys(OPTIONS)) expect(text).toMatch(new RegExp(`^\\| \`--${option}\\b`, 'm'))
    for (const [code] of EXIT_CODES) expect(text).toContain(`\n| ${code} | `)
  })

  const examples = [
    ...[...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) => code.trimEnd().split('\n')),
    ...COMMANDS.flatMap(c => c.examples),
  ]
  it.each(examples)('`%s` can be followed', line => {
    expect(readArgs(argsOf(line), COMMANDS).do).toBe('run')
  })
})
