/** `blockgate check`: what the config comes to. */
import { type ConfigDescription, describeConfig, type StageDescription } from '../../explain/describe.ts'
import { type Painter, painter } from '../../runtime/terminal/text.ts'
import type { Command } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { loadConfig } from '../load-config.ts'
import { durationText, hostText, optionsText, table } from '../text.ts'

export const check: Command = {
  name: 'check',
  summary: 'check the config, and print the pipeline it makes',
  options: ['config', 'json'],
  details: [
    'Checks the config and starts nothing: no bucket, no disk, no peer is asked. All problems are told at once, and end it',
    'with 2. It prints the stages in their order, the barriers at which every block waits for all others, and the options',
    'that were given; what may be a secret is hidden.',
  ].join('\n'),
  examples: ['blockgate check', 'blockgate check --config prod.config.ts --json'],
  async run(args, io) {
    const { path, config } = await loadConfig(args.config, io)
    const described = describeConfig(config)
    if (args.json) io.stdout.write(`${JSON.stringify({ config: path, ...described })}\n`)
    else io.stdout.write(`${text(path, described, painter(io.stdout, io.env)).join('\n')}\n`)
    return ExitCode.ok
  },
}

function text(path: string, config: ConfigDescription, paint: Painter): string[] {
  const { instance, bucket, stages } = config
  return [
    ...table([
      ['config', path],
      ['instance', instance.id + (instance.zone === undefined ? '' : `, zone ${instance.zone}`)],
      ['bucket', bucket === undefined ? 'none' : `${bucket.name}  ${optionsText(bucket.options ?? {})}`],
      ['dir', config.dir],
      ['every', durationText(config.everyMs)],
      ['concurrency', String(config.concurrency)],
      ['blockTimeout', durationText(config.blockTimeoutMs)],
      ['stopGrace', durationText(config.stopGraceMs)],
      ['http', config.http ? `${hostText(config.http.host)}:${config.http.port}` : 'off'],
      ['token', config.token ? '(hidden)' : 'none: changes are allowed from this machine only'],
    ]),
    '',
    paint.bold('pipeline'),
    ...pipeline(stages, paint),
  ]
}

/** A line a stage, with a rule under each barrier. */
function pipeline(stages: readonly StageDescription[], paint: Painter): string[] {
  const rows = stages.map((stage, i) => [String(i + 1).padStart(3), stage.kind, stage.name, optionsOf(stage)])
  const lines = table(rows, '')
  return lines.flatMap((line, i) => {
    if (stages[i]?.kind !== 'set') return [line]
    return [line, paint.dim(`     ── barrier: end of segment ${stages[i].segment} ──`)]
  })
}

function optionsOf({ options, ownership }: StageDescription): string {
  const own = options === undefined ? [] : [optionsText(options)]
  if (!ownership) return own.join('')
  return [...own, ownership.name, optionsText(ownership.options ?? {})].join('  ').trimEnd()
}
