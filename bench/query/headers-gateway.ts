// A gateway with index-headers: prints its address before it starts, and for each line that it is given its memory after a collection.
import { createInterface } from 'node:readline'
import { gateway, resolveConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { serveGateway } from 'blockgate/runtime/node-server'
import { fakeHost } from 'blockgate/testing'
import { countingBucket } from '../../test/support/counting-bucket.ts'

const [bucketRoot = '', dir = ''] = process.argv.slice(2)
const bucket = countingBucket(fs({ root: bucketRoot }))
const input = { bucket, pipeline: [scanBucket(), indexHeaders()] as const, dir, http: '127.0.0.1:0' }
const config = await resolveConfig(input, { env: {} })
const host = nodeHost({ log: fakeHost().log })
const made = gateway(config, { host, files: localFiles(dir), state: fileState(dir, nodeLog()) })
const service = await serveGateway({ gateway: made, config, host })
console.log(service.url)
createInterface({ input: process.stdin }).on('line', () => {
  globalThis.gc?.()
  console.log(JSON.stringify({ ...process.memoryUsage(), requests: bucket.gets.length }))
})
process.on('SIGTERM', () => void service.stop().finally(() => process.exit(0)))
await made.start()
