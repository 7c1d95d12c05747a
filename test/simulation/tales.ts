/**
 * The spans tell the same story as the catalogue: of each process and each block what became of it, why, and in which order, and what
 * is loaded in the end. The catalogue is told by the engine, and the sink by nobody: both are watched here, and neither knows of spans.
 */
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { BlockEvent, BlockId, Host } from 'blockgate'
import type { Catalogue } from '../../src/catalogue/catalogue.ts'
import type { TracedRun } from '../../src/pipeline/traces.ts'
import { short } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import { type Recorded, record } from './recorded.ts'
import type { Running } from './running.ts'
import { Violation } from './world.ts'

/** What became of a block in a run. */
interface Event {
  readonly run: string
  readonly kind: string
  readonly by: string
  readonly reason: string
  /** The same as before, and yet news: a load was begun, and came to nothing. */
  readonly again?: boolean
}

/** The block was not in the listing: with it everything about it is forgotten, and what comes then is news. */
const FORGOTTEN: Event = { run: '', kind: 'forgotten', by: '', reason: '' }

/** What is known of one process. */
interface Teller {
  readonly running: Running
  /** What its sink found on the disk. */
  readonly found: ReadonlySet<BlockId>
  readonly runs: Set<string>
  /** The run that has begun and not ended. */
  run: string | undefined
  /** All that its catalogue wrote down, by block. */
  readonly events: Map<BlockId, Event[]>
}

/** Said of loaded blocks alone. */
const OF_LOADED: ReadonlySet<string> = new Set(['retained', 'dropped', 'unchanged'])
const STOPS: ReadonlySet<string> = new Set(['skipped', 'failed'])
/** Reasons of a loaded block that waits until it may go: that it is kept after all is news. */
const WAITED: ReadonlySet<string> = new Set(['pending-hand-off', 'last-copy', 'superseded'])

export class Tales implements Disposable {
  readonly #tellers = new Map<Host, Teller>()
  readonly #recorded: Recorded
  readonly #cluster: Cluster
  readonly #isLost: (span: ReadableSpan) => boolean

  /** `isLost`: spans that never arrive. */
  constructor(cluster: Cluster, isLost: (span: ReadableSpan) => boolean = () => false) {
    this.#cluster = cluster
    this.#isLost = isLost
    this.#recorded = record((host, run) => {
      const teller = this.#teller(host, run)
      teller.runs.add(run.id)
      teller.run = run.id
      return () => {
        teller.run = undefined
      }
    })
  }

  [Symbol.dispose](): void {
    this.#recorded[Symbol.dispose]()
  }

  /** @throws Violation where the spans tell another story */
  check(): void {
    const tellers = [...this.#tellers.values()]
    const byRun: ReadonlyMap<string, Teller> = new Map(
      tellers.flatMap(teller => [...teller.runs].map(run => [run, teller])),
    )
    const told = new Map<Teller, Map<BlockId, ReadableSpan[]>>(tellers.map(teller => [teller, new Map()]))
    for (const span of this.#recorded.ended) {
      const { 'block.id': id, 'blockgate.run.id': run, 'block.outcome': outcome } = span.attributes
      if (typeof id !== 'string' || typeof run !== 'string' || outcome === undefined) continue
      if (this.#isLost(span)) continue
      const teller = byRun.get(run)
      const blocks = teller && told.get(teller)
      if (!blocks) throw new Violation('traces', `${span.name} of ${id} is of a run that never was`)
      const spans = blocks.get(id as BlockId)
      if (spans) spans.push(span)
      else blocks.set(id as BlockId, [span])
    }
    for (const [teller, blocks] of told) this.#checkProcess(teller, blocks)
  }

  #checkProcess(teller: Teller, blocks: ReadonlyMap<BlockId, readonly ReadableSpan[]>): void {
    for (const id of new Set([...teller.events.keys(), ...blocks.keys()])) {
      const spans = blocks.get(id) ?? []
      const events = teller.events.get(id) ?? []
      this.#sameStory(teller, id, spans, events)
      this.#sameEnd(teller, id, spans)
      if (!events.includes(FORGOTTEN)) this.#linked(teller, id, spans)
    }
  }

  #sameStory(teller: Teller, id: BlockId, spans: readonly ReadableSpan[], events: readonly Event[]): void {
    const happened = [...worthTelling(events)]
    // The process was killed, or is at work, before it came to what becomes of it.
    while (happened.length > spans.length && happened.at(-1)?.run === teller.run) happened.pop()
    const said = spans.map(eventOf)
    const [told, was] = [said, happened].map(story => story.map(wordsOf).join('; '))
    if (told !== was) fail(teller, `of ${short(id)} the spans tell\n  ${told}\nand there was\n  ${was}`)
  }

  /** Whether it is loaded in the end. */
  #sameEnd({ running, run, found }: Teller, id: BlockId, spans: readonly ReadableSpan[]): void {
    const last = spans.map(eventOf).findLast(({ kind }) => kind === 'added' || kind === 'dropped')
    const told = last ? last.kind === 'added' : found.has(id)
    if (told === running.loaded.has(id)) return
    // In the midst of a drop, or of an add: then its trace has begun.
    if (told ? run !== undefined : run !== undefined && this.#isOpen(id, run)) return
    fail({ running }, `the spans tell that ${short(id)} is ${told ? '' : 'not '}loaded, and it is ${told ? 'not' : ''}`)
  }

  #isOpen(id: BlockId, run: string): boolean {
    return [...this.#recorded.open].some(({ attributes }) => {
      return attributes['block.id'] === id && attributes['blockgate.run.id'] === run
    })
  }

  /** Each is linked to the one before, or stands in its trace, so that its life can be walked backwards. */
  #linked(teller: Teller, id: BlockId, spans: readonly ReadableSpan[]): void {
    for (const [at, span] of spans.entries()) {
      const before = spans[at - 1]?.spanContext()
      if (!before || before.traceId === span.spanContext().traceId) continue
      if (span.links.some(({ context }) => context.spanId === before.spanId)) continue
      fail(teller, `${span.name} of ${short(id)} is not linked to what became of it before`)
    }
  }

  #teller(host: Host, { memory }: TracedRun): Teller {
    const known = this.#tellers.get(host)
    if (known) return known
    const running = [...this.#cluster.runnings].find(({ process }) => process === host)
    if (!running) throw new Error('a run must be of a process')
    const events = new Map<BlockId, Event[]>()
    const teller = { running, found: new Set(running.loaded.keys()), runs: new Set<string>(), run: undefined, events }
    this.#tellers.set(host, teller)
    watch(memory as Catalogue, events)
    return teller
  }
}

/** Writes down every event of the catalogue, which itself keeps the last 20. */
function watch(catalogue: Catalogue, events: Map<BlockId, Event[]>): void {
  const loading = new Set<BlockId>()
  const after = (id: BlockId, before: readonly BlockEvent[] | undefined, run: string) => {
    const last = catalogue.get(id)?.events.at(-1)
    if (!last) return
    const was = before?.at(-1)
    // Not whether the list is another one: an event that repeats gets the trace of the last time.
    const isNews = !was || wordsOf(was) !== wordsOf(last)
    const again = loading.delete(id) && !isNews && last.kind === 'skipped' && last.by === 'owned'
    if (!isNews && !again) return
    const event = again ? { ...last, run, again } : last
    const all = events.get(id)
    if (all) all.push(event)
    else events.set(id, [event])
  }
  const load = catalogue.loading.bind(catalogue)
  catalogue.loading = id => {
    loading.add(id)
    load(id)
  }
  const settle = catalogue.settle.bind(catalogue)
  const partial = catalogue.partial.bind(catalogue)
  catalogue.settle = (id, result, run, loaded) => {
    const before = catalogue.get(id)?.events
    settle(id, result, run, loaded)
    after(id, before, run)
  }
  catalogue.partial = (block, run, ...rest) => {
    const before = catalogue.get(block.id)?.events
    partial(block, run, ...rest)
    after(block.id, before, run)
  }
  const forget = catalogue.forgetAbsent.bind(catalogue)
  catalogue.forgetAbsent = async isThere => {
    await forget(isThere)
    for (const [id, all] of events) if (!catalogue.get(id)) all.push(FORGOTTEN)
  }
}

/**
 * What of the events is to be a trace: all that is news. Tries of one run are one trace, and so are the verdict on a loaded block and what
 * the end of the run made of it. A verdict that repeats is news where a try failed since, further in than the block came before.
 */
function worthTelling(events: readonly Event[]): readonly Event[] {
  let before: Event | undefined
  let tried = false
  return events.filter((event, at) => {
    const { kind, by, reason, again } = event
    if (!isLast(event, at, events)) {
      tried ||= kind === 'failed' && by !== before?.by
      return false
    }
    const repeats = before?.by === by && before.reason === reason && !again && !tried
    const isNews = kind === 'added' || kind === 'dropped' || !before || !repeats
    const isTold = kind === 'unchanged' && before ? WAITED.has(before.reason) : isNews
    before = event
    tried = false
    return isTold && kind !== FORGOTTEN.kind
  })
}

/** Not a try, and not the verdict on a loaded block of which the end of the run made something. */
function isLast({ run, kind }: Event, at: number, all: readonly Event[]): boolean {
  if (kind === 'failed') return all[at + 1]?.run !== run
  if (kind !== 'skipped') return true
  const next = all.slice(at + 1).find(other => other.run !== run || !STOPS.has(other.kind))
  return next?.run !== run || !OF_LOADED.has(next.kind)
}

function eventOf({ attributes }: ReadableSpan): Event {
  const text = (key: string) => `${attributes[key] ?? ''}`
  return {
    run: text('blockgate.run.id'),
    kind: text('block.outcome'),
    by: text('block.outcome.by'),
    reason: text('block.outcome.reason'),
  }
}

function fail({ running }: Pick<Teller, 'running'>, what: string): never {
  throw new Violation('traces', `${running.id}, process ${running.process.generation}: ${what}`)
}

function wordsOf({ kind, by, reason }: Pick<Event, 'kind' | 'by' | 'reason'>): string {
  return [kind, by, reason].filter(word => word !== '').join(' ')
}
