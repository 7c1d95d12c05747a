/** The lives of blocks over several gateways, read from the spans that a collector has, and from nothing else. */
import type { ReceivedSpan } from './received-spans.ts'

export interface LifeEvent {
  readonly what: 'added' | 'dropped'
  readonly gateway: string
  /** Of an add, when the block was there to be asked for; of a drop, when it began to go. ms since the epoch. */
  readonly at: number
  readonly root: ReceivedSpan
  /** All spans of its trace below the root that are this gateway's. */
  readonly below: readonly ReceivedSpan[]
}

export interface Death {
  readonly gateway: string
  readonly at: number
  readonly span: ReceivedSpan
}

const INSTANCE = 'blockgate.instance.id'

/** By block, in the order of their times: all of one machine's clock. */
export function livesOf(spans: readonly ReceivedSpan[]): ReadonlyMap<string, readonly LifeEvent[]> {
  const childrenOf = Map.groupBy(spans, span => span.parentSpanId)
  const lives = new Map<string, LifeEvent[]>()
  for (const root of spans) {
    const what = root.name === 'block added' ? 'added' : root.name === 'block dropped' ? 'dropped' : undefined
    if (!what) continue
    const below: ReceivedSpan[] = []
    const walk = (of: ReceivedSpan) => {
      for (const child of childrenOf.get(of.spanId) ?? []) {
        // The old owner's part of a move stands below the new one's.
        if (child.attributes[INSTANCE] !== undefined) continue
        below.push(child)
        walk(child)
      }
    }
    walk(root)
    const of = (name: string) => below.find(span => span.name === name)
    const at = what === 'added' ? of('block.index-headers')?.end : of('drop')?.start
    if (at === undefined) throw new Error(`${root.name} of ${root.attributes['block.id']} must say when`)
    const id = `${root.attributes['block.id']}`
    const life = lives.get(id) ?? []
    life.push({ what, gateway: `${root.attributes[INSTANCE]}`, at, root, below })
    lives.set(id, life)
  }
  for (const life of lives.values()) life.sort((a, b) => a.at - b.at)
  return lives
}

/** Gateways that the others found silent. */
export function deathsOf(spans: readonly ReceivedSpan[]): readonly Death[] {
  return spans
    .filter(({ name, attributes }) => {
      return name === 'epoch changed' && `${attributes['ownership.epoch.cause']}`.includes(' down: no heartbeat')
    })
    .map(span => ({ gateway: `${span.attributes['ownership.member']}`, at: span.end, span }))
}

/** Who has the block when all of `events` have happened. */
export function holders(events: readonly LifeEvent[], deaths: readonly Death[] = []): ReadonlySet<string> {
  const held = new Map<string, number>()
  for (const { what, gateway, at } of events) {
    if (what === 'added') held.set(gateway, at)
    else held.delete(gateway)
  }
  for (const { gateway, at } of deaths) if ((held.get(gateway) ?? at) < at) held.delete(gateway)
  return new Set(held.keys())
}
