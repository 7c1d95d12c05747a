// Ownership of your own: first a function, then an object that can change its mind while the gateway runs.
import { describe, it } from 'node:test'
import { gateway, memoryState, type OwnershipFunction, type OwnershipPlugin, owned, resolveConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { nodeHost, nodeLog } from 'blockgate/runtime/node'
import { testOwnership } from 'blockgate/testing'
import { byCluster } from './by-cluster.ts'

const root = new URL('../quickstart/bucket', import.meta.url).pathname

async function open(ownership: OwnershipPlugin | OwnershipFunction) {
  const pipeline = [scanBucket(), owned(ownership), memory()] as const
  const config = await resolveConfig({ bucket: fs({ root }), pipeline }, { env: {} })
  return gateway(config, { host: nodeHost({ log: { ...nodeLog(), info: () => {} } }), state: memoryState() })
}

// A function is enough: true means "mine". It is asked at the moment of each add.
const half = await open(block => block.ulid.charCodeAt(25) % 2 === 0)
const first = await half.sync()
console.log(`function: ${first.summary.blocks.added} mine, ${first.summary.blocks.skipped} not, of them 1 is partial`)
await half.stop()

// An object can say more: a reason, an epoch, and that its answers have changed.
const plugin = byCluster({ clusters: ['eu'] })
const clusters = await open(plugin)
const eu = await clusters.sync()
console.log(`object, eu: ${eu.summary.blocks.added} added`)
plugin.assign(['us'])
const us = await clusters.sync()
console.log(`object, us: ${us.summary.blocks.added} added, ${us.summary.blocks.dropped} dropped`)
await clusters.stop()

// The kit says whether the object keeps the contract. Any runner with `describe` and `it` will do.
testOwnership(
  { describe, it },
  {
    name: 'by-cluster',
    factory: () => byCluster({ clusters: ['eu'] }),
    invalid: [() => byCluster({ clusters: [''] })],
    change: async changed => changed.assign(['us']),
  },
)
