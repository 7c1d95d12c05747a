/** Short words for what most stories of the engine's tests begin with, and ask. */
import { type BlockStage, type SetStage, type SkipOptions, skip } from 'blockgate'
import { settle, testId } from 'blockgate/testing'
import { blocks, numberOf, type World, type WorldOptions, world } from './world.ts'

/** A world after its first sync. */
export async function synced(options: WorldOptions): Promise<World> {
  const made = await world(options)
  await made.gateway.sync()
  return made
}

/** Begins a sync that waits at the loads of these blocks until `go()`. */
export async function held({ gateway, sink }: World, ...numbers: readonly number[]) {
  const gates = numbers.map(n => sink.gate(n))
  const run = gateway.sync()
  await settle()
  const go = () => {
    for (const open of gates) open()
    return run
  }
  return { run, go }
}

/** A stage that skips these blocks. */
export function refuse(
  which: (n: number) => boolean,
  reason: string,
  options: SkipOptions = {},
  name = 'filter',
): BlockStage {
  const handle: BlockStage['handle'] = async ({ id }, next) => (which(numberOf(id)) ? skip(reason, options) : next())
  return { kind: 'block', name, handle }
}

/** A set stage that lets everything through, in its order. */
export const everything: SetStage = {
  kind: 'set',
  name: 'all',
  select: list => list.map(({ meta }) => ({ id: meta.ulid })),
}

/** From 1, or from `from`, to `to`. */
export function upTo(to: number, from = 1): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

export const entry = ({ gateway }: World, n: number) => gateway.catalogue.get(testId(n))

/** What a sync dropped, and what it asks about; of these blocks from now on. */
export async function sync({ gateway, source }: World, list?: readonly number[], confirmDrops = false) {
  if (list) source.list = blocks(...list)
  const { summary, unconfirmed } = await gateway.sync({ confirmDrops })
  return [summary.blocks.dropped, unconfirmed]
}
