/** A world whose metrics are read as a scrape reads them. */
import type { Handover, Metrics } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { scriptedOwnership, type World, type WorldOptions, world } from '../support/world.ts'

/** `name{labels}` to value, of an exposition. */
export function samples(text: string): Record<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map(line => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

export interface Measured extends World {
  readonly metrics: Metrics
  text(): Promise<string>
  /** With `blockgate_` left out. */
  read(): Promise<Record<string, number>>
  /** Makes one run, with enough time for its retries. */
  run(): Promise<void>
}

/** `changed`: other methods of the hand-over of the ownership plugin. */
export async function measured(options: WorldOptions = {}, changed: Partial<Handover> = {}): Promise<Measured> {
  const plugin = options.ownership ?? scriptedOwnership()
  const ownership = Object.assign(plugin, plugin.handover && { handover: { ...plugin.handover, ...changed } })
  const { metrics, text } = setupMetrics()
  const made = await world({ ...options, ownership, metrics })
  return {
    ...made,
    metrics,
    text,
    read: async () => samples((await text()).replaceAll(/^blockgate_/gm, '')),
    async run() {
      const run = made.gateway.sync()
      await made.host.advance(120_000)
      await run
    },
  }
}
