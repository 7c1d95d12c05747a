// A gateway with the blocks of the quickstart, which keeps them in memory.
import {
  type Gateway,
  gateway,
  memoryState,
  type OwnershipFunction,
  type OwnershipPlugin,
  owned,
  resolveConfig,
} from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { nodeHost, nodeLog } from 'blockgate/runtime/node'

const root = new URL('../quickstart/bucket', import.meta.url).pathname
export const host = nodeHost({ log: { ...nodeLog(), info: () => {} } })

export async function open(ownership: OwnershipPlugin | OwnershipFunction, id = 'me'): Promise<Gateway> {
  const pipeline = [scanBucket(), owned(ownership), memory()] as const
  const config = await resolveConfig({ bucket: fs({ root }), pipeline, instance: { id } }, { env: {} })
  return gateway(config, { host, state: memoryState() })
}
