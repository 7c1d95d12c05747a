/**
 * What a read from S3 costs this process: the light path of `s3()` beside the SDK's client, in turns.
 *
 *   npm run bench:gets [-- GETS [CONCURRENCY]]        default 20000 and 64
 *
 * A server in a process of its own gives the same 1 KiB object, or page of 1,000 keys, to all that asks: it checks no signature. CPU is that
 * of this process, all threads.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Bucket } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { nodeHost } from 'blockgate/runtime/node'
import { services } from 'blockgate/testing'

const ROUNDS = 5
const [first = '20000', second = '64'] = process.argv.slice(2)
const { signal } = new AbortController()
if (first === 'serve') serve()
else await measure(Number(first), Number(second))

async function measure(gets: number, concurrency: number): Promise<void> {
  const server = spawn(process.execPath, [...process.execArgv, import.meta.filename, 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const endpoint = await endpointOf(server)
    const paths = {
      sdk: await started(endpoint, concurrency, true),
      light: await started(endpoint, concurrency, false),
    }
    const get = async (bucket: Bucket) => {
      const body = await bucket.get('01ARZ3NDEKTSV4RRFFQ69G5FAV/meta.json', { signal })
      await body?.bytes(1024)
    }
    const list = async (bucket: Bucket) => void (await bucket.list('', { signal }))
    for (const [what, count, work] of [
      [`GET of 1 KiB, ${concurrency} in flight`, Math.ceil(gets / ROUNDS), get],
      [`LIST of 1,000 keys, ${concurrency} in flight`, Math.ceil(gets / ROUNDS / 50), list],
    ] as const) {
      const found: Record<string, number[]> = { sdk: [], light: [] }
      for (let round = 0; round <= ROUNDS; round++) {
        for (const [path, bucket] of Object.entries(paths)) {
          const ms = await cpuMs(count, concurrency, () => work(bucket))
          // The first round is for the compiler.
          if (round > 0) found[path]?.push(ms)
        }
      }
      const [sdk, light] = [median(found.sdk), median(found.light)]
      console.log(
        `${what}: CPU ${sdk.toFixed(3)} ms by the SDK, ${light.toFixed(3)} ms by the light path, ${(sdk / light).toFixed(1)} times less`,
      )
    }
    await Promise.all(Object.values(paths).map(bucket => bucket.stop?.(signal)))
  } finally {
    server.kill()
  }
}

async function started(endpoint: string, concurrency: number, sdkOnly: boolean): Promise<Bucket> {
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'not-a-secret' }
  const bucket = s3({ bucket: 'bench', endpoint, concurrency, sdkOnly, credentials })
  await bucket.start?.(services({ host: nodeHost(), bucket }))
  return bucket
}

/** CPU time of one of `count` calls, `concurrency` of them at once. */
async function cpuMs(count: number, concurrency: number, call: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  let left = count
  const work = async () => {
    while (left-- > 0) await call()
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / count
}

function median(numbers: readonly number[] = []): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

async function endpointOf(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error('the server must have an output')
  const [port] = await once(server.stdout, 'data')
  return `http://127.0.0.1:${String(port).trim()}`
}

function serve(): void {
  const time = 'Sun, 22 Nov 2026 21:10:52 GMT'
  const object = new Uint8Array(1024).fill(65)
  const keys = Array.from({ length: 1000 }, (_, i) => `01ARZ3NDEKTSV4RRFFQ69G${String(i).padStart(4, '0')}%2Fmeta.json`)
  const contents = keys.map(
    key =>
      `<Contents><Key>${key}</Key><LastModified>2026-11-22T21:10:52.763Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>1234</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  )
  const page = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name><KeyCount>1000</KeyCount><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`
  const server = createServer((request, response) => {
    const isList = request.url?.includes('list-type') ?? false
    const body = isList ? page : object
    const headers = { 'content-length': body.length, 'x-amz-request-id': 'tx0', etag: '"e1"', 'last-modified': time }
    response.writeHead(200, headers).end(body)
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
}
