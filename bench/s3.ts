/**
 * A cold sync from a real S3 server: what it asks for, and how near it comes to the bound that latency sets.
 *
 *   npm run bench:s3 [-- BLOCKS [CONCURRENCY]]        default 5000 and 32; needs radosgw (scripts/ensure.mjs installs it on Debian)
 *
 * The bound is requests × latency ÷ concurrency: no sync with these requests can be faster. The sync runs in a process
 * of its own, behind a proxy that adds the latency; CPU and peak memory are the kernel's figures of that process.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bucket, defineConfig, gateway, owned, resolveConfig } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { everything } from 'blockgate/plugins/ownership/everything'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { putFolder } from '../test/support/put-folder.ts'
import { startRadosgw } from '../test/support/radosgw.ts'
import { tcpProxy } from '../test/support/tcp-proxy.ts'
import { makeBlocks } from './many-blocks.ts'

const BUCKET = 'bench'
const [first = '5000', second = '32', endpoint, dir] = process.argv.slice(2)
const CONCURRENCY = Number(second)
if (endpoint !== undefined && dir !== undefined) await sync(endpoint, dir)
else await measure(Number(first))

async function measure(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
  try {
    await using store = await startRadosgw()
    const begun = performance.now()
    await putFolder(store, BUCKET, makeBlocks(folder, count))
    console.log(
      `${count} blocks put in ${((performance.now() - begun) / 1000).toFixed(0)} s, concurrency ${CONCURRENCY}`,
    )
    for (const latency of [0, 30]) {
      await using proxy = await tcpProxy({
        target: store.endpoint,
        requestDelay: latency / 2,
        responseDelay: latency / 2,
      })
      const args = [
        ...process.execArgv,
        import.meta.filename,
        first,
        second,
        proxy.endpoint,
        join(folder, `data-${latency}`),
      ]
      const env = { ...process.env, AWS_ACCESS_KEY_ID: store.accessKeyId, AWS_SECRET_ACCESS_KEY: store.secretAccessKey }
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let text = ''
      child.stdout.on('data', chunk => {
        text += chunk
      })
      const [code] = await once(child, 'close')
      if (code !== 0) throw new Error(`the sync must exit with 0: it exited with ${code}\n${text}`)
      report(latency, count, JSON.parse(text))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Measured {
  readonly added: number
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakMiB: number
  readonly lists: number
  readonly metas: number
  readonly indexes: number
  readonly others: number
  readonly bytes: number
}

function report(latency: number, count: number, m: Measured): void {
  const requests = m.lists + m.metas + m.indexes + m.others
  console.log(`\nlatency ${latency} ms`)
  console.log(`  added            ${m.added} of ${count}`)
  console.log(`  LIST             ${m.lists}: one per ${Math.round((count * 3) / m.lists)} objects`)
  console.log(`  GET meta.json    ${(m.metas / count).toFixed(2)} a block`)
  console.log(`  GET index        ${(m.indexes / count).toFixed(2)} a block`)
  console.log(`  other requests   ${m.others}`)
  console.log(`  bytes read       ${(m.bytes / count / 1024).toFixed(1)} KiB a block`)
  console.log(`  wall             ${m.wallMs} ms: ${Math.round((m.added / m.wallMs) * 1000)} blocks a second`)
  console.log(`  cpu              ${m.cpuMs} ms: ${(m.cpuMs / count).toFixed(2)} ms a block`)
  console.log(`  peak memory      ${m.peakMiB} MiB`)
  if (latency > 0) {
    const bound = (requests * latency) / CONCURRENCY
    console.log(`  bound            ${Math.round(bound)} ms, ratio to it ${(m.wallMs / bound).toFixed(2)}`)
  }
}

async function sync(from: string, data: string): Promise<void> {
  const counts = { lists: 0, metas: 0, indexes: 0, others: 0, bytes: 0 }
  const input = defineConfig({
    bucket: counted(s3({ bucket: BUCKET, endpoint: from, concurrency: CONCURRENCY }), counts),
    pipeline: [
      scanBucket({ concurrency: CONCURRENCY }),
      notDeleted(),
      dedup(),
      newestFirst(),
      owned(everything()),
      indexHeaders(),
    ],
    concurrency: CONCURRENCY,
  })
  const log = { ...nodeLog(), info: () => {} }
  const gate = gateway(await resolveConfig(input, { env: {} }), {
    host: nodeHost({ log }),
    files: localFiles(data),
    state: fileState(data, log),
  })
  const { run, blocks } = (await gate.sync()).summary
  await gate.stop()
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const cpuMs = Math.round((userCPUTime + systemCPUTime) / 1000)
  const measured: Measured = {
    added: blocks.added,
    wallMs: run.durationMs,
    cpuMs,
    peakMiB: Math.round(maxRSS / 1024),
    ...counts,
  }
  console.log(JSON.stringify(measured))
}

function counted(
  bucket: Bucket,
  counts: { lists: number; metas: number; indexes: number; others: number; bytes: number },
): Bucket {
  return {
    ...bucket,
    list(prefix, options) {
      counts.lists++
      return bucket.list(prefix, options)
    },
    async get(key, options) {
      if (key.endsWith('/meta.json')) counts.metas++
      else if (key.endsWith('/index')) counts.indexes++
      else counts.others++
      const body = await bucket.get(key, options)
      const range = options.range
      if (body) {
        const asked = range === undefined ? body.info.size : 'suffix' in range ? range.suffix : range.length
        counts.bytes += Math.min(asked, body.info.size)
      }
      return body
    },
  }
}
