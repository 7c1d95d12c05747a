/**
 * The start of a gateway on a bucket that another one has listed: with a catalogue and without.
 *
 *   npm run bench:catalogue [-- BLOCKS [LATENCY_MS]]        default 50000 and 30
 *
 * A tenth of the blocks is its own. The bucket is a folder, and each request waits. Each start has a process and a disk of its own; its first
 * run is measured, which with a catalogue is the one before the listing.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type BlockId,
  type BlockMeta,
  type BlockSource,
  type Bucket,
  blockId,
  defineConfig,
  gateway,
  owned,
  resolveConfig,
} from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { staticShard } from 'blockgate/plugins/ownership/static-shard'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { memory } from 'blockgate/plugins/sink/memory'
import { catalogue } from 'blockgate/plugins/source/catalogue'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { pack, unpack } from '../plugins/source/catalogue/entries.ts'
import type { Entry } from '../plugins/source/catalogue/entry.ts'
import { makeBlocks } from './many-blocks.ts'

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const MIX = Array.from({ length: 100 }, (_, n) => (n < 70 ? 1 : n < 85 ? 4 : n < 95 ? 24 : 168))
const [blocks = '50000', latency = '30', role, root = '', data = '', stages = ''] = process.argv.slice(2)
const log = { ...nodeLog(), info: () => {}, warn: () => {} }
const host = nodeHost({ log })
if (role === undefined) measure()
else if (role === 'write') await write()
else await start()

function measure(): void {
  const folder = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
  try {
    const bucket = makeBlocks(folder, Number(blocks))
    const run = (...args: readonly string[]) => {
      const all = [...process.execArgv, import.meta.filename, blocks, latency, ...args]
      const { stdout, stderr, status } = spawnSync(process.execPath, all, { encoding: 'utf8' })
      if (status !== 0) throw new Error(`${args[0]} must exit with 0: it exited with ${status}\n${stdout}${stderr}`)
      process.stdout.write(stdout)
    }
    run('write', bucket, join(folder, 'writer'))
    for (const stages of ['filters', 'all'])
      for (const source of ['catalogue', 'listing']) run(source, bucket, join(folder, `${stages}-${source}`), stages)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function write(): Promise<void> {
  const bucket = fs({ root })
  const config = defineConfig({ bucket, pipeline: [catalogue({ source: scanBucket() }), memory()] })
  const gate = gateway(await resolveConfig(config, { env: {} }), { host, state: fileState(data, log) })
  await gate.sync()
  await gate.stop()
  for (const [what, levels] of [
    ['as sidecars upload them', [1]],
    ['a mix: of 100 blocks 70 of level 1, 15 of 4 sources, 10 of 24, 5 of 168', MIX],
  ] as const) {
    const count = Number(blocks)
    const object = await pack(host, manyEntries(count, levels), Date.now())
    const took: number[] = []
    for (let round = 0; round < 5; round++) {
      const cpu = process.cpuUsage()
      const unpacked = await unpack(host, object, 1 << 30)
      for await (const _ of unpacked.pages());
      const { user, system } = process.cpuUsage(cpu)
      took.push(Math.round((user + system) / 1000))
    }
    const each = (object.length / count).toFixed(1)
    console.log(`${count} blocks, ${what}: ${each} bytes a block; CPU to read it, five times: ${took.join(', ')} ms`)
  }
}

/** Blocks as S3 shows them: etags of MD5, sizes and times by chance, two replicas of 25 clusters. `sources`: how many each has, in turn. */
function manyEntries(count: number, sources: readonly number[]): Entry[] {
  return Array.from({ length: count }, (_, n) => {
    const made = 1_700_000_000_000 + n * 60_000 + randomInt(60_000)
    const ulid = ulidAt(made)
    const maxTime = Math.floor(made / 7_200_000) * 7_200_000
    const many = sources[n % sources.length] ?? 1
    const meta: BlockMeta = {
      ulid,
      minTime: maxTime - 7_200_000,
      maxTime,
      labels: { cluster: `c${n % 25}`, replica: `r${n % 2}` },
      resolution: 0,
      compaction: {
        level: many > 1 ? 3 : 1,
        sources: many > 1 ? Array.from({ length: many }, (_, i) => ulidAt(made - i * 7_200_000)) : [ulid],
      },
      source: many > 1 ? 'compactor' : 'sidecar',
      files: [
        { path: 'chunks/000001', size: 1_000_000 + randomInt(100_000_000) },
        { path: 'index', size: 30_000 + randomInt(1_000_000) },
        { path: 'meta.json', size: 600 + randomInt(100) },
      ],
      readAhead: undefined,
    }
    const candidate = { meta, path: `${ulid}/`, markers: [], uploaded: made + randomInt(60_000) }
    const etag = randomBytes(16).toString('hex')
    return [candidate, { meta: { etag, size: 600, modified: made + 1_000 * randomInt(120) } }]
  })
}

function ulidAt(ms: number): BlockId {
  let time = ''
  for (let i = 0, rest = ms; i < 10; i++, rest = Math.floor(rest / 32)) time = BASE32.charAt(rest % 32) + time
  return blockId(time + Array.from(randomBytes(16), byte => BASE32.charAt(byte & 31)).join(''))
}

async function start(): Promise<void> {
  const requests = { list: 0, get: 0 }
  const store = fs({ root })
  let before: number | undefined
  const bucket: Bucket = {
    ...store,
    async list(prefix, options) {
      requests.list++
      await wait(Number(latency))
      return await store.list(prefix, options)
    },
    async get(key, options) {
      if (key.endsWith('/index')) before ??= requests.list + requests.get
      requests.get++
      await wait(Number(latency))
      return await store.get(key, options)
    },
  }
  const sink = indexHeaders()
  const begun = performance.now()
  const { promise: added, resolve } = Promise.withResolvers<number>()
  const loading: typeof sink = {
    ...sink,
    async prepare(block) {
      const prepared = await sink.prepare(block)
      return {
        bytes: prepared.bytes,
        async commit() {
          await prepared.commit()
          resolve(performance.now() - begun)
        },
        [Symbol.asyncDispose]: () => prepared[Symbol.asyncDispose](),
      }
    },
  }
  const source: BlockSource = role === 'catalogue' ? catalogue({ source: scanBucket(), write: false }) : scanBucket()
  const filters = [consistencyDelay({ for: '30m' }), notDeleted()] as const
  const sets = stages === 'all' ? ([dedup(), newestFirst()] as const) : []
  const mine = owned(staticShard({ index: 0, of: 10 }))
  const config = defineConfig({ bucket, concurrency: 32, pipeline: [source, ...filters, ...sets, mine, loading] })
  const platform = { host, files: localFiles(data), state: fileState(join(data, 'state'), log) }
  const gate = gateway(await resolveConfig(config, { env: {} }), platform)
  const done = gate.start()
  const first = await added
  const { user, system } = process.cpuUsage()
  const run = await done
  const all = performance.now() - begun
  const asked = requests.list + requests.get
  console.log(
    `${stages === 'all' ? 'with dedup and newest-first' : 'filters alone'}, ${role}: ${before} requests before the first header, first add after ${Math.round(first)} ms, CPU until then ${((user + system) / 1e6).toFixed(1)} s (with the modules); ${run.summary.blocks.added} added after ${(all / 1000).toFixed(1)} s and ${asked} requests`,
  )
  await gate.stop()
}
