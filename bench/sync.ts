/**
 * A sync of many blocks on a file system: its peak memory, and how long a run takes that adds nothing.
 *
 *   npm run bench:sync [-- BLOCKS]        default 50000
 *
 * The sync runs in a process of its own; the peak is what the kernel says of that process.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig, gateway, owned, resolveConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { everything } from 'blockgate/plugins/ownership/everything'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { makeBlocks } from './many-blocks.ts'

const [first = '50000', dir] = process.argv.slice(2)
if (dir === undefined) measure(Number(first))
else await sync(first, dir)

function measure(count: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
  try {
    const bucket = makeBlocks(folder, count)
    const args = [...process.execArgv, import.meta.filename, bucket, join(folder, 'data')]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the sync must exit with 0: it exited with ${status}\n${stdout}${stderr}`)
    process.stdout.write(stdout)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function sync(root: string, data: string): Promise<void> {
  const input = defineConfig({
    bucket: fs({ root }),
    pipeline: [
      scanBucket(),
      timeRange({ from: 0 }),
      consistencyDelay({ for: '30m' }),
      notDeleted(),
      dedup(),
      newestFirst(),
      owned(everything()),
      memory(),
    ],
  })
  const log = { ...nodeLog(), info: () => {} }
  const gate = gateway(await resolveConfig(input, { env: {} }), {
    host: nodeHost({ log }),
    files: localFiles(data),
    state: fileState(data, log),
  })
  const cold = (await gate.sync()).summary
  const warm = (await gate.sync()).summary
  await gate.stop()
  const peak = Math.round(process.resourceUsage().maxRSS / 1024)
  const per5000 = Math.round((warm.run.durationMs / warm.blocks.seen) * 5000)
  console.log(`blocks              ${cold.blocks.seen}, added ${cold.blocks.added}, failed ${cold.blocks.failed}`)
  console.log(`first run           ${cold.run.durationMs} ms`)
  console.log(
    `second run          ${warm.run.durationMs} ms, ${warm.blocks.unchanged} unchanged: ${per5000} ms per 5,000 blocks`,
  )
  console.log(`ratio second/first  ${(warm.run.durationMs / cold.run.durationMs).toFixed(2)}`)
  console.log(`peak memory         ${peak} MiB`)
}
