/** `blockgate check`: the pipeline that the config makes. */
import { durationText, sizeText } from '../../contracts/text.ts'
import { type ConfigDescription, describeConfig, type StageDescription } from '../../explain/describe.ts'
import type { Painter } from '../../runtime/terminal/text.ts'
import { type Command, print } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { loadConfig } from '../load-config.ts'
import { hostText, optionsText, table } from '../text.ts'

export const check: Command = {
  name: 'check',
  summary: 'check the config, and print the pipeline it makes',
  options: ['config', 'json'],
  details: [
    'Checks the config and starts nothing: no bucket, no disk, no peer is asked. All problems are told at once, and end it',
    'with 2. It prints the stages in their order, the barriers at which every block waits for all others, and the options',
    'that were given. What may be a secret is hidden.',
  ],
  examples: ['blockgate check', 'blockgate check --config prod.config.ts --json'],
  async run(args, io) {
    const { path, config } = await loadConfig(args.config, io)
    print(args, io, { config: path, ...describeConfig(config) }, text)
    return ExitCode.ok
  },
}

function everyText({ everyMs, interval }: ConfigDescription): string {
  if (!interval) return durationText(everyMs)
  return `${interval.name}, at most ${durationText(everyMs)}  ${optionsText(interval.options ?? {})}`
}

function text(told: ConfigDescription & { readonly config: string }, paint: Painter): string[] {
  const { instance, bucket, stages, http } = told
  return [
    ...table([
      ['config', told.config],
      ['instance', instance.id + (instance.zone === undefined ? '' : `, zone ${instance.zone}`)],
      ['bucket', bucket === undefined ? 'none' : `${bucket.name}  ${optionsText(bucket.options ?? {})}`],
      ['dir', told.dir],
      ['every', everyText(told)],
      ...(told.prewarm ? [['prewarm', optionsText(told.prewarm.options ?? {})]] : []),
      ['concurrency', String(told.concurrency)],
      ['blockTimeout', durationText(told.blockTimeoutMs)],
      ['stopGrace', durationText(told.stopGraceMs)],
      ['http', http ? `${hostText(http.host)}:${http.port}` : 'off'],
      ['token', told.token ? '(hidden)' : 'none: changes are allowed from this machine only'],
      ['readToken', told.readToken ? '(hidden)' : 'none: everybody may read'],
      ['serve', serveText(told.serve)],
    ]),
    '',
    paint.bold('pipeline'),
    // A line a stage, with a rule under each barrier.
    ...table(stages.map((stage, i) => [String(i + 1).padStart(3), stage.kind, stage.name, optionsOf(stage)])).flatMap(
      (line, i) => {
        const stage = stages[i]
        return stage?.kind === 'set' ? [line, paint.dim(`     ── barrier: end of segment ${stage.segment} ──`)] : [line]
      },
    ),
  ]
}

/** What was resolved, in the words and units of the config. */
function serveText({ limits, headerMemory, gap, cache, slowMs, ...rest }: ConfigDescription['serve']): string {
  const { durationMs, bytes, memory, ...counts } = limits
  return optionsText({
    ...rest,
    gap: sizeText(gap),
    limits: { ...counts, bytes: sizeText(bytes), memory: sizeText(memory), duration: durationText(durationMs) },
    ...(headerMemory !== undefined && { headerMemory: sizeText(headerMemory) }),
    cache: 'memory' in cache ? { memory: sizeText(cache.memory) } : cache,
    slow: durationText(slowMs),
  })
}

function optionsOf({ options, ownership }: StageDescription): string {
  const own = options === undefined ? [] : [optionsText(options)]
  if (!ownership) return own.join('')
  return [...own, ownership.name, optionsText(ownership.options ?? {})].join('  ').trimEnd()
}
