/**
 * A listing of a large bucket, its pages one after another and side by side.
 *
 *   npm run bench:listing [-- OBJECTS [LATENCY_MS]]        default 1000000 and 30
 *
 * A server in a process of its own shows three objects a block and waits before each page; the blocks are of two years, two thirds of them of
 * the last month. What is measured is `scanBucket`'s listing through `s3()`, without what is made of the blocks.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BlockId } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { nodeHost } from 'blockgate/runtime/node'
import { services } from 'blockgate/testing'
import { boundary } from '../plugins/source/scan-bucket/ranges.ts'
import { listSideBySide } from '../plugins/source/scan-bucket/side-by-side.ts'

const PAGE = 1000
const FILES = ['chunks/000001', 'index', 'meta.json']
const NOW = Date.UTC(2026, 10, 30)
const DAY = 86_400_000
const { signal } = new AbortController()
const [first = '1000000', second = '30', role] = process.argv.slice(2)
const blocks = Math.ceil(Number(first) / FILES.length)
if (role === 'serve') serve(Number(second))
else await measure()

function idOf(n: number): string {
  const share = n / blocks
  const days = share < 1 / 3 ? 730 - 700 * 3 * share : 30 * (1.5 - 1.5 * share)
  return `${boundary(NOW - days * DAY)}${n.toString().padStart(16, '0')}`
}

async function measure(): Promise<void> {
  const server = spawn(process.execPath, [...process.execArgv, import.meta.filename, first, second, 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const endpoint = await endpointOf(server)
    const credentials = { accessKeyId: 'bench', secretAccessKey: 'not-a-secret' }
    const bucket = s3({ bucket: 'bench', endpoint, credentials })
    await bucket.start?.(services({ host: nodeHost(), bucket }))
    const known: BlockId[] = Array.from({ length: blocks }, (_, n) => idOf(n) as BlockId)
    let whole = 0
    for (const [what, concurrency, ids] of [
      ['one after another', 1, []],
      ['32 at once, nothing known', 32, []],
      ['32 at once, the last view known', 32, known],
    ] as const) {
      let requests = 0
      const list = async (prefix: string, cursor: string | undefined, _?: '/', after?: string) => {
        requests++
        return await bucket.list(prefix, { cursor, signal, ...(after !== undefined && { after }) })
      }
      const [begun, cpu] = [performance.now(), process.cpuUsage()]
      const splits = { areKnown: true }
      let seen = 0
      for await (const batch of listSideBySide({
        list,
        concurrency,
        now: NOW,
        known: { ids, count: ids.length },
        splits,
      }))
        seen += batch.length
      if (seen !== blocks) throw new Error(`the listing must show ${blocks} blocks: it showed ${seen}`)
      const wall = performance.now() - begun
      whole ||= wall
      const { user, system } = process.cpuUsage(cpu)
      console.log(
        `${what}: ${requests} requests, ${(wall / 1000).toFixed(1)} s, 1/${(whole / wall).toFixed(1)}, CPU ${((user + system) / 1e6).toFixed(1)} s`,
      )
    }
    await bucket.stop?.(signal)
  } finally {
    server.kill()
  }
}

async function endpointOf(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error('the server must have an output')
  const [port] = await once(server.stdout, 'data')
  return `http://127.0.0.1:${String(port).trim()}`
}

function serve(latency: number): void {
  const total = blocks * FILES.length
  const ids = Array.from({ length: blocks }, (_, n) => idOf(n))
  const keyAt = (at: number) => `${ids[Math.floor(at / FILES.length)]}/${FILES[at % FILES.length]}`
  const rest =
    '</Key><LastModified>2026-11-22T21:10:52.763Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>1234</Size><StorageClass>STANDARD</StorageClass></Contents>'
  // Made before: what the server does meanwhile would be measured, too.
  const contents = Array.from({ length: total }, (_, at) =>
    Buffer.from(`<Contents><Key>${keyAt(at).replaceAll('/', '%2F')}${rest}`, 'latin1'),
  )
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', 'http://store').searchParams
    const after = asked.get('continuation-token') ?? asked.get('start-after') ?? ''
    let [from, to] = [0, total]
    while (from < to) {
      const middle = (from + to) >> 1
      if (keyAt(middle) > after) to = middle
      else from = middle + 1
    }
    const end = Math.min(total, from + PAGE)
    const next = end < total ? `<NextContinuationToken>${keyAt(end - 1)}</NextContinuationToken>` : ''
    const head = `<?xml version="1.0"?><ListBucketResult><KeyCount>${end - from}</KeyCount><EncodingType>url</EncodingType><IsTruncated>${end < total}</IsTruncated>${next}`
    const page = Buffer.concat([Buffer.from(head), ...contents.slice(from, end), Buffer.from('</ListBucketResult>')])
    setTimeout(() => response.end(page), latency)
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
}
