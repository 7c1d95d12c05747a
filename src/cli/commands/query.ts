/** `blockgate query`: the samples of some series, from the bucket of the config or from a gateway. */
import type { ResolvedConfig } from '../../config/config.ts'
import { resolveServe } from '../../config/serve.ts'
import { instant } from '../../contracts/duration.ts'
import type { Host } from '../../contracts/host.ts'
import { countOf } from '../../contracts/text.ts'
import { type Offered, offered } from '../../explain/offered.ts'
import { coverage } from '../../http/missing-blocks.ts'
import { isWithin, restOf } from '../../query/choose-blocks.ts'
import { matcher } from '../../query/matchers.ts'
import { Querier, type Selection, type Series } from '../../query/querier.ts'
import { QueryRun } from '../../query/query-run.ts'
import { SeriesSamples } from '../../query/samples.ts'
import { nodeHost, nodeLog } from '../../runtime/node.ts'
import { painter } from '../../runtime/terminal/text.ts'
import { Screen } from '../../runtime/terminal.ts'
import type { Args, Command, Io } from '../command.ts'
import { ExitCode, usageError } from '../exit.ts'
import { loadConfig } from '../load-config.ts'
import { isBeforeSink, isOwned, withParts } from '../observer.ts'
import { askUrl } from '../query/ask-url.ts'
import { bucketBlocks } from '../query/bucket-blocks.ts'
import { pointsOf } from '../query/points.ts'
import { type Question, questionOf, selectionOf } from '../query/question.ts'
import { ReadProgress } from '../query/read-progress.ts'
import { terminalWriter } from '../query/terminal-writer.ts'
import { csvWriter, jsonWriter, type SeriesWriter, tableWriter } from '../query/writers.ts'

export const query: Command = {
  name: 'query',
  summary: 'show the samples of some series',
  options: ['config', 'match', 'start', 'end', 'step', 'url', 'json', 'csv'],
  details: [
    'Reads the raw blocks that the pipeline of the config offers, all of them, whichever gateway owns them, from the bucket. No',
    'gateway need run; nothing is joined, loaded or written. --url asks a gateway instead, or a Prometheus, by remote read.',
    'Without --step it gives all samples from --start to --end, as up[1h] does in PromQL; with it, one for each step, as a',
    'graph of the selector has them. On a terminal it draws a plot, elsewhere it prints a table; --json is what the API of',
    'Prometheus answers. Exits with 0 where all blocks were read, with 1 where the answer may be short: warnings say why.',
  ],
  examples: [
    'blockgate query --match \'up{job="node"}\' --start -6h',
    'blockgate query --match up --start 2026-10-01T00:00:00Z --end 2026-10-02T00:00:00Z --step 5m --csv',
    'blockgate query --match up --url http://localhost:10902 --json',
  ],
  async run(args, io) {
    if (args.json && args.csv) throw usageError('--json and --csv must not be given together')
    const screen = new Screen(io.stderr, io.env)
    const host = nodeHost({ log: { ...nodeLog({ stream: screen, env: io.env }), info() {} } })
    const question = questionOf(args, host.now())
    // On one screen, a line that is drawn again would run into the answer.
    const isShared = io.stdout.isTTY === true && (args.json || args.csv)
    using progress = new ReadProgress(isShared ? undefined : screen, host)
    const answer = new Answer(args, io, question, screen)
    if (args.url !== undefined) {
      const told = { onRead: progress.read, onWarning: (text: string) => answer.warn(text) }
      const code = await answer.of(askUrl(args.url, selectionOf(question), told), progress)
      if (answer.isEmpty) answer.tell('no series')
      return code
    }
    const { config } = await loadConfig(args.config, io)
    return await askBucket(config, question, { host, progress, answer })
  },
}

interface Asking {
  readonly host: Host
  readonly progress: ReadProgress
  readonly answer: Answer
}

async function askBucket(
  config: ResolvedConfig,
  question: Question,
  { host, progress, answer }: Asking,
): Promise<number> {
  if (!config.bucket) throw usageError('the config has no bucket to read from')
  const { signal } = new AbortController()
  const wanted = (component: Parameters<typeof isOwned>[0]) => isBeforeSink(component, config) && !isOwned(component)
  return await withParts(config, host, wanted, async bucket => {
    const seen = await offered({ ...config, host }, signal)
    for (const warning of warningsOf(seen)) answer.warn(warning)
    progress.blocks = seen.blocks.length
    const { limits, gap, badBlock } = resolveServe(config.serve)
    const selection = selectionOf(question)
    for (const warning of downsampledAlone(seen, selection)) answer.warn(warning)
    const querier = new Querier({ sink: bucketBlocks(seen.blocks, bucket, progress.read), limits, gap })
    using run = new QueryRun(signal, { limits, badBlock, host })
    const code = await answer.of(each(querier.select(selection, run)), progress, run)
    if (answer.isEmpty) answer.tell(emptyText(seen))
    return code
  })
}

async function* each(batches: AsyncIterable<readonly Series[]>): AsyncGenerator<Series, void, undefined> {
  for await (const batch of batches) yield* batch
}

/** Why an answer may be short. */
function warningsOf({ complete, failed }: Offered): readonly string[] {
  const [first] = failed
  return [
    ...(complete ? [] : ['the bucket could not be listed whole: blocks may be missing']),
    ...(first ? [`${countOf(failed.size, 'block')} cannot be read: ${first[0]} (${first[1]})`] : []),
  ]
}

/** Times of which there are downsampled blocks alone. */
function downsampledAlone({ blocks }: Offered, { matchers, from, to }: Selection): readonly string[] {
  const ready = matchers.map(matcher)
  const isCovered = coverage(blocks)
  const alone = blocks.filter(({ meta }) => {
    return meta.resolution > 0 && isWithin(meta, from, to) && restOf(ready, meta.labels) && !isCovered(meta)
  })
  const [first] = alone
  if (!first) return []
  return [
    `${countOf(alone.length, 'block')} of this time, downsampled and without raw ones, cannot be shown: ${first.meta.ulid}`,
  ]
}

function emptyText({ blocks }: Offered): string {
  const raw = blocks.filter(({ meta }) => meta.resolution === 0)
  if (raw.length === 0) return 'no series: the pipeline offers no raw block'
  const [from, to] = raw.reduce(
    ([low, high], { meta }) => [Math.min(low, meta.minTime), Math.max(high, meta.maxTime)] as const,
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const,
  )
  return `no series: ${countOf(raw.length, 'raw block')} have samples from ${instant(from)} to ${instant(to)}`
}

/** Writes what comes, and counts. */
class Answer {
  readonly #writer: SeriesWriter
  readonly #question: Question
  readonly #stdout: Io['stdout']
  readonly #screen: Screen
  readonly #warnings: string[] = []
  #series = 0

  constructor({ json, csv }: Args, { stdout, env }: Io, question: Question, screen: Screen) {
    const write = (text: string) => void stdout.write(text)
    const isPlotted = stdout.isTTY === true && env.TERM !== 'dumb'
    this.#question = question
    this.#stdout = stdout
    this.#screen = screen
    if (json) this.#writer = jsonWriter(write)
    else if (csv) this.#writer = csvWriter(write)
    else if (!isPlotted) this.#writer = tableWriter(write)
    else this.#writer = terminalWriter(write, { question, columns: stdout.columns, paint: painter(stdout, env) })
  }

  get isEmpty(): boolean {
    return this.#series === 0
  }

  tell(text: string): void {
    this.#screen.write(`blockgate: ${text}\n`)
  }

  warn(text: string): void {
    this.#warnings.push(text)
    this.tell(`the answer may be short: ${text}`)
  }

  /** @returns the exit code */
  async of(all: AsyncIterable<Series>, progress: ReadProgress, run?: Pick<QueryRun, 'warnings'>): Promise<number> {
    const samples = new SeriesSamples()
    const { from, to } = selectionOf(this.#question)
    for await (const { labels, chunks } of all) {
      samples.fill(chunks, from, to)
      const points = pointsOf(samples, this.#question)
      if (points.times.length === 0) continue
      this.#series++
      progress.series++
      progress.samples += points.times.length
      this.#writer.series(labels, points)
      // `| head` reads no more.
      if (this.#stdout.writable === false) return ExitCode.ok
    }
    progress.end()
    for (const { text } of run?.warnings ?? []) this.warn(text)
    this.#writer.end(this.#warnings)
    return this.#warnings.length > 0 ? ExitCode.findings : ExitCode.ok
  }
}
