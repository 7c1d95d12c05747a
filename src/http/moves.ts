/** Who hands which blocks to whom, and who would take over what if a member left: a dry run of the placement, over the view of this gateway. */
import { pause } from '../async/slices.ts'
import type { CatalogueEntry } from '../catalogue/catalogue.ts'
import { isOwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Owner } from '../contracts/ownership.ts'
import type { Gateway } from '../gateway.ts'
import { ownershipOf } from '../pipeline/owned.ts'

/** Blocks from one member to another; `from` is empty where nobody serves them yet. */
export interface Move {
  readonly from: string
  readonly to: string
  readonly blocks: number
}

export interface Leaving {
  readonly member: string
  /** Blocks that it is to hold, and those that nobody else serves. */
  readonly blocks: number
  readonly onlyThere: number
  /** Who would be asked to hold them next; an empty name where there is nobody left. */
  readonly to: readonly { readonly member: string; readonly blocks: number }[]
}

export interface Moves {
  /** Blocks that were looked at, of all that have owners. Above 20,000 it is each second, third, … of them. */
  readonly looked: number
  readonly all: number
  readonly now: readonly Move[]
  readonly leaving: readonly Leaving[]
}

const MOST = 20_000
/** A page that follows the events must not ask for all owners each second. */
const FRESH_MS = 5_000

const known = new WeakMap<Gateway, { readonly at: number; readonly moves: Moves | string }>()

/** A sentence where owners cannot be told. */
export async function movesOf(gateway: Gateway, host: Host): Promise<Moves | string> {
  const last = known.get(gateway)
  if (last && host.monotonic() - last.at < FRESH_MS) return last.moves
  const moves = await count(gateway, host).catch((error: unknown) => {
    if (isOwnershipUnavailable(error)) return rawMessageOf(error)
    throw error
  })
  known.set(gateway, { at: host.monotonic(), moves })
  return moves
}

async function count({ plan, catalogue }: Gateway, host: Host): Promise<Moves | string> {
  const { name, handover } = plan.ownership
  if (!handover) return `the ownership plugin ${name} says who owns a block only at the add`
  const stage = plan.segments.flatMap(({ stages }) => stages).find(entry => ownershipOf(entry.stage))?.name
  const entries = (await catalogue.sorted()).filter(entry => hasOwners(entry, stage))
  const step = Math.ceil(entries.length / MOST)
  const now = new Map<string, Move>()
  const leaving = new Map<string, { blocks: number; onlyThere: number; readonly to: Map<string, number> }>()
  let looked = 0
  for (let at = 0; at < entries.length; at += step) {
    const meta = entries[at]?.candidate?.meta
    if (!meta) continue
    looked++
    see(handover.owners(meta))
    await pause(host)
  }
  return {
    looked,
    all: entries.length,
    now: [...now.values()].sort((a, b) => b.blocks - a.blocks),
    leaving: [...leaving]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([member, { to, ...rest }]) => {
        const next = [...to].map(([member, blocks]) => ({ member, blocks })).sort((a, b) => b.blocks - a.blocks)
        return { member, ...rest, to: next }
      }),
  }

  function see(owners: readonly Owner[]): void {
    const servers = owners.filter(({ serves, live }) => serves && live)
    const next = owners.find(({ live, target }) => live && !target)?.member ?? ''
    for (const { member, target, live, serves } of owners) {
      if (target && live && !serves) {
        const from = servers.filter(one => !one.target).map(one => one.member)
        const key = `${from.join(', ')}\n${member}`
        now.set(key, { from: from.join(', '), to: member, blocks: (now.get(key)?.blocks ?? 0) + 1 })
      }
      // Who is down has left already.
      if (!live || (!target && !serves)) continue
      const of = leaving.get(member) ?? { blocks: 0, onlyThere: 0, to: new Map<string, number>() }
      leaving.set(member, of)
      if (serves && servers.length === 1) of.onlyThere++
      if (!target) continue
      of.blocks++
      of.to.set(next, (of.to.get(next) ?? 0) + 1)
    }
  }
}

/** Blocks that came as far as the question who owns them. */
function hasOwners({ state, by }: CatalogueEntry, stage: string | undefined): boolean {
  if (state === 'skipped' || state === 'failed') return by === stage
  return state !== 'partial'
}
