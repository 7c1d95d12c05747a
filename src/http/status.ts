/** How all blocks are at one instant: where in the pipeline each one is, or was stopped. The pages and their events tell it. */
import { inSlices } from '../async/slices.ts'
import { BLOCK_STATES, type CatalogueEntry, reasonOf } from '../catalogue/catalogue.ts'
import type { Host } from '../contracts/host.ts'
import type { Gateway } from '../gateway.ts'
import { nextOf } from './answers.ts'
import { question } from './question.ts'
import type { LoadingBlock, Status, Stopped } from './schema/status.ts'

/** Loads that are named, the oldest first. */
const NAMED = 5
/** Reasons of one stage that are told; a plugin that makes a reason of each block's id would fill the page. */
const REASONS = 20

/** Of each gateway: what was counted last, and what it was counted from. */
const counted = new WeakMap<Gateway, { readonly key: string; readonly counts: Counts }>()

type Counts = Pick<Status, 'blocks' | 'states' | 'waiting' | 'loading' | 'stages' | 'held' | 'lastNews' | 'oldest'>

/** All numbers are of one walk over all blocks, so they agree with each other. */
export async function statusOf(gateway: Gateway, host: Host): Promise<Status> {
  const { progress, results, readiness, catalogue } = gateway
  const { ready, reason, stopping = false } = readiness
  // Between runs nothing changes, and nobody has to look at each block again.
  const key = progress ? '' : `${results.at(-1)?.summary.run.id} ${JSON.stringify(catalogue.counts())}`
  const last = counted.get(gateway)
  const counts = last && key !== '' && last.key === key ? last.counts : await count(gateway, host)
  counted.set(gateway, { key, counts })
  const asked = question(gateway) ?? null
  return { ready, reason, stopping, asked, current: progress ?? null, next: nextOf(gateway, host), ...counts }
}

async function count({ catalogue, plan }: Gateway, host: Host): Promise<Counts> {
  const position = new Map(plan.order.map((name, at) => [name, at]))
  const end = plan.order.length - 1
  const stopped = plan.order.map(() => new Map<string, { -readonly [K in keyof Stopped]: Stopped[K] }>())
  const states = new Map<string, number>()
  const loading: LoadingBlock[] = []
  let [blocks, lastNews] = [0, 0]
  const see = (entry: CatalogueEntry) => {
    const { id, state, since } = entry
    blocks++
    if (since > lastNews) lastNews = since
    states.set(state, (states.get(state) ?? 0) + 1)
    if (state === 'loading') loading.push({ ulid: id, since })
    if (state !== 'skipped' && state !== 'failed' && state !== 'partial') return
    const by = stopped[position.get(entry.by) ?? end]
    const reason = reasonOf(entry)
    const key = by?.size === REASONS && !by.has(`${state} ${reason}`) ? 'other' : `${state} ${reason}`
    const known = by?.get(key)
    if (known) known.blocks++
    else by?.set(key, { state, reason: key === 'other' ? 'other' : reason, blocks: 1 })
  }
  await inSlices(host, catalogue.all(), see)
  let bytes = 0
  await inSlices(host, plan.sink.stage.loaded().values(), block => {
    bytes += block.bytes
  })
  const of = (state: string) => states.get(state) ?? 0
  const [waiting, now] = [of('pending'), of('loading')]
  let left = blocks - waiting - now
  const stages = plan.order.map((name, at) => {
    const all = [...(stopped[at]?.values() ?? [])].sort((a, b) => b.blocks - a.blocks)
    const entered = left
    left -= all.reduce((sum, one) => sum + one.blocks, 0)
    return { name, in: entered, out: left, stopped: all }
  })
  return {
    blocks,
    states: Object.fromEntries(BLOCK_STATES.map(state => [state, of(state)])),
    waiting,
    loading: now,
    stages,
    held: { blocks: left, bytes },
    lastNews: blocks === 0 ? null : lastNews,
    oldest: loading.sort((a, b) => a.since - b.since).slice(0, NAMED),
  }
}
