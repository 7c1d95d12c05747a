/**
 * What the placement by bytes reaches, and what it costs to work it out: the publisher of balanced() as it runs in a gateway, on a member
 * store that takes everything. Blocks have their sources, as compacted ones do.
 */
import { setImmediate } from 'node:timers/promises'
import type { BlockId, BlockMeta, Candidate, Host } from 'blockgate'
import { type EntriesView, type MemberEntry, type Membership, MembersView } from 'blockgate/members'
import { Assignments } from 'blockgate/plugins/ownership/hash-ring'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { blockMeta, testId } from 'blockgate/testing'
import { round } from './table.ts'

const EVERY = 1
const placement = balanced({ every: EVERY })

export interface SizedBlock {
  readonly id: BlockId
  readonly bytes: number
}

/** Until nothing moves; then one member joins, and until nothing moves again. */
export async function measureBalance(blocks: readonly SizedBlock[], members: number, replicas: number) {
  const metas = blocks.map(withSources)
  const before = await settle(metas, members, replicas, undefined)
  const after = await settle(metas, members + 1, replicas, before.text)
  const total = sum(metas, (_, i) => before.targets[i]?.length ?? 0)
  const moved = sum(metas, (_, i) => after.targets[i]?.filter(id => !before.targets[i]?.includes(id)).length ?? 0)
  const copies = Math.min(replicas, members)
  const share = Math.min(replicas, members + 1) / copies / (members + 1)
  return {
    members,
    blocks: blocks.length,
    replicas,
    'bytes max/mean by hash': round(before.first, 2),
    'bytes max/mean': round(before.last, 3),
    'blocks named': before.named,
    'characters published': before.text?.length ?? 0,
    'moved by a join, of its share': round(moved / total / share, 2),
    'bytes max/mean then': round(after.last, 3),
    'CPU ms of a look': round(before.cpuMs, 0),
    'longest CPU ms without the event loop': round(before.longest, 1),
  }
}

interface Settled {
  readonly first: number
  readonly last: number
  readonly named: number
  readonly text: string | undefined
  readonly targets: readonly (readonly string[])[]
  /** Of the dearest look. */
  readonly cpuMs: number
  readonly longest: number
}

async function settle(metas: readonly BlockMeta[], members: number, replicas: number, from: string | undefined) {
  const entries = Array.from({ length: members }, (_, i) => entryOf(`gw-${i}`))
  const offered = metas.map(meta => ({ meta, path: '', markers: [], uploaded: undefined }) satisfies Candidate)
  const found: { -readonly [K in keyof Settled]: Settled[K] } = {
    ...{ first: 0, last: 0, named: 0, text: from, targets: [], cpuMs: 0, longest: 0 },
  }
  const turns = new Turns()
  let epoch = 1
  // One process from look to look, as a gateway is.
  let published: { readonly version: number; readonly text: string } | undefined = from
    ? { version: 1, text: from }
    : undefined
  const membership = {
    me: 'gw-0',
    host: turns.host,
    get known() {
      return view
    },
    async publishPlacement({ text }: { readonly text: string }) {
      epoch++
      published = { version: epoch, text }
      return 'ok'
    },
  } as unknown as Membership
  let view = viewOf(entries, epoch, published)
  let assignments = assignmentsOf(view.entries, replicas)
  const publisher = placement.publisher?.({
    membership,
    assign: (block, given) => {
      if (given !== view.entries) throw new Error('only this view is asked for')
      return assignments.of(block.ulid, block)
    },
    replicas,
    zones: undefined,
  })
  if (!publisher) throw new Error('the placement must be one that is published')
  publisher.offered(offered)
  for (let looks = 0; looks < 20; looks++) {
    view = viewOf(entries, epoch, published)
    assignments = assignmentsOf(view.entries, replicas)
    // A gateway has asked for each block already in this epoch.
    const targets = metas.map(meta => assignments.of(meta.ulid, meta).targets)
    const was = epoch
    publisher.polled()
    turns.ms += 10 * EVERY
    turns.begin()
    publisher.polled()
    await turns.quiet()
    found.cpuMs = Math.max(found.cpuMs, turns.spent)
    found.longest = Math.max(found.longest, turns.longest)
    const { skew = 1, named } = publisher.counts()
    if (looks === 0) found.first = spread(metas, targets)
    if (epoch !== was) continue
    return { ...found, last: skew, named, text: published?.text, targets }
  }
  throw new Error('it must come to rest within 20 looks')
}

/** A host whose turns are told apart, to see how much CPU goes by between two of them. */
class Turns {
  ms = 0
  spent = 0
  longest = 0
  #last = 0
  #idle = 0
  readonly host: Host

  constructor() {
    this.host = {
      monotonic: () => this.ms + performance.now(),
      now: () => Date.now(),
      log: { debug() {}, info() {}, warn() {}, error() {} },
      nextTurn: async () => {
        this.#mark()
        await setImmediate()
        this.#last = cpuMs()
        this.#idle = 0
      },
    } as unknown as Host
  }

  begin(): void {
    this.spent = this.longest = 0
    this.#last = cpuMs()
  }

  /** Resolves when no work was done for some turns. */
  async quiet(): Promise<void> {
    this.#mark()
    for (this.#idle = 0; this.#idle < 50; this.#idle++) await setImmediate()
  }

  #mark(): void {
    const now = cpuMs()
    this.spent += now - this.#last
    this.longest = Math.max(this.longest, now - this.#last)
    this.#last = now
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function viewOf(
  members: readonly MemberEntry[],
  epoch: number,
  placement: { readonly version: number; readonly text: string } | undefined,
): MembersView {
  const store = { epoch, storeId: 's', frozen: false, broken: 0 }
  const entries = { ...store, cause: '', members: new Map(members.map(member => [member.id, member])), placement }
  return new MembersView(entries, { ...store, heartbeats: new Map() }, 1)
}

function assignmentsOf({ members, placement: published }: EntriesView, replicas: number): Assignments {
  return new Assignments(members.values(), { placement, replicas, published: published?.text })
}

function entryOf(id: string): MemberEntry {
  const told = { zone: undefined, address: undefined, process: '', fingerprint: '', bucket: '', changed: 1 }
  return { id, state: 'active', placed: true, draining: false, incarnation: 1, ...told }
}

/** Two hours of a block to one source: 1 to 168 of them. */
function withSources({ id, bytes }: SizedBlock, n: number): BlockMeta {
  const count = Math.max(1, Math.min(168, Math.round(bytes / 2e6)))
  const sources = Array.from({ length: count }, (_, i) =>
    testId(1_600_000_000_000 + n * 1_000 + i, (n * 7_919 + i) * 104_729),
  )
  return blockMeta({
    ulid: id,
    compaction: { level: 1 + Math.ceil(Math.log10(count)), sources },
    files: [{ path: 'index', size: Math.ceil(bytes) }],
  })
}

function spread(metas: readonly BlockMeta[], targets: readonly (readonly string[])[]): number {
  const loads = new Map<string, number>()
  for (const [i, meta] of metas.entries()) {
    for (const id of targets[i] ?? []) loads.set(id, (loads.get(id) ?? 0) + (meta.files[0]?.size ?? 0))
  }
  const all = [...loads.values()]
  return (Math.max(...all) * all.length) / all.reduce((a, b) => a + b, 0)
}

function sum(metas: readonly BlockMeta[], times: (meta: BlockMeta, i: number) => number): number {
  return metas.reduce((all, meta, i) => all + (meta.files[0]?.size ?? 0) * times(meta, i), 0)
}
