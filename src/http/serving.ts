/** The answer of /api/v1/serving: what the sink holds, at one instant. A gateway may hold 500,000 blocks. */
import { inSlices, pause, sortInSlices } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import type { Host } from '../contracts/host.ts'
import type { Gateway } from '../gateway.ts'
import type { Serving } from './schema/answers.ts'

/** Blocks that are written at once. */
const PIECE = 1_000

/** The last answer of each gateway: mostly nothing has changed, and sorting takes longest. */
const served = new WeakMap<Gateway, { readonly keys: readonly BlockId[]; readonly sorted: readonly BlockId[] }>()

export async function servingAnswer(gateway: Gateway, host: Host): Promise<Serving> {
  const { ready } = gateway.readiness
  const keys: BlockId[] = []
  await inSlices(host, gateway.plan.sink.stage.loaded().keys(), id => keys.push(id))
  const last = served.get(gateway)
  if (last?.keys.length === keys.length && last.keys.every((id, at) => id === keys[at])) {
    return { ready, blocks: last.sorted }
  }
  const sorted = await sortInSlices(host, keys, (a, b) => (a < b ? -1 : 1))
  served.set(gateway, { keys, sorted })
  return { ready, blocks: sorted }
}

/** As JSON, piece by piece: to write all of it at once would hold up every other answer. */
export function servingBody({ ready, blocks }: Serving, host: Host): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      // One pause for eight pieces: beside a run, each pause takes long.
      if (at % (8 * PIECE) === 0) await pause(host, 8)
      const ids = blocks.slice(at, at + PIECE)
      const start = at === 0 ? `{"ready":${ready},"blocks":[` : ids.length > 0 ? ',' : ''
      at += PIECE
      const end = at < blocks.length ? '' : ']}'
      controller.enqueue(encoder.encode(start + JSON.stringify(ids).slice(1, -1) + end))
      if (end !== '') controller.close()
    },
  })
}
