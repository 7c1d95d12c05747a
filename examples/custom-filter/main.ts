// Stages of your own: a block stage, asked for each block, and a set stage, which sees all of them at once.
import { describe, it } from 'node:test'
import { type BlockStage, checkOptions, gateway, memoryState, resolveConfig, type SetStage, skip } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { nodeHost, nodeLog } from 'blockgate/runtime/node'
import { testStage } from 'blockgate/testing'
import * as v from 'valibot'

/** Leaves out blocks that were never compacted to `level`. */
function minLevel(options: { readonly level: number }): BlockStage {
  return {
    kind: 'block',
    name: 'min-level',
    check: () => checkOptions(options, { level: v.pipe(v.number(), v.minValue(1, 'be >= 1')) }),
    async handle(block, next) {
      if (block.meta.compaction.level < options.level) return skip('level-too-low')
      return next()
    },
  }
}

/** Keeps the `count` newest blocks of each cluster, in the order they came. */
function newestOfEach(options: { readonly count: number }): SetStage {
  return {
    kind: 'set',
    name: 'newest-of-each',
    check: () => checkOptions(options, { count: v.pipe(v.number(), v.minValue(1, 'be >= 1')) }),
    select(blocks) {
      const newest = blocks.toSorted((a, b) => b.meta.maxTime - a.meta.maxTime)
      const kept = new Map<string, number>()
      const out = new Set<string>()
      for (const { meta } of newest) {
        const cluster = meta.labels.cluster ?? ''
        const n = (kept.get(cluster) ?? 0) + 1
        kept.set(cluster, n)
        if (n > options.count) out.add(meta.ulid)
      }
      // Every block exactly once: a skip says why, the rest goes on.
      return blocks.map(({ meta: { ulid: id } }) => (out.has(id) ? { id, skip: 'older' } : { id }))
    },
  }
}

const root = new URL('../quickstart/bucket', import.meta.url).pathname
const pipeline = [scanBucket(), minLevel({ level: 1 }), newestOfEach({ count: 2 }), memory()] as const
const config = await resolveConfig({ bucket: fs({ root }), pipeline }, { env: {} })
const host = nodeHost({ log: { ...nodeLog(), info: () => {} } })
const blockgate = gateway(config, { host, state: memoryState() })
const { summary } = await blockgate.sync()
for (const stage of summary.stages) console.log(`${stage.name}: ${stage.in} in, ${stage.out} out`, stage.skipped)
await blockgate.stop()

testStage({ describe, it }, { name: 'min-level', factory: () => minLevel({ level: 2 }) })
testStage({ describe, it }, { name: 'newest-of-each', factory: () => newestOfEach({ count: 2 }) })
