/** A user's project on disk with a small bucket: what was reported to go wrong is played in it with the real command line. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach } from 'vitest'
import { blockgate, type CliOptions, type Ended, type Running, start } from '../support/cli.ts'
import { indexFile } from '../support/index-file.ts'
import { tempFolders } from '../support/temp-folders.ts'

const ROOT = join(import.meta.dirname, '../..')
const DAY = 86_400_000
/** Of 1 October 2026, 00:00 UTC. */
const FIRST_DAY = Date.UTC(2026, 9, 1)

/** What a store gateway is made of, without ownership. The environment gives BUCKET, DIR, HTTP and EVERY. */
export const CONFIG = `import { defineConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

export default defineConfig(({ env }) => ({
  bucket: fs({ root: env.BUCKET ?? new URL('bucket', import.meta.url).pathname }),
  pipeline: [scanBucket(), consistencyDelay(), notDeleted(), dedup(), newestFirst(), indexHeaders()],
  dir: env.DIR ?? 'data',
  http: env.HTTP ?? false,
  every: env.EVERY,
}))
`

const INDEX = indexFile({
  series: [
    [['__name__', 'up']],
    [
      ['__name__', 'up'],
      ['job', 'node'],
    ],
  ],
})
const CHUNKS = new Uint8Array(59)

export interface Case {
  /** The project, which is also where the commands run. */
  readonly cwd: string
  readonly bucket: string
  /** Writes a file below the project, with its folders. */
  write(path: string, content: string | Uint8Array): void
  /** Puts a whole block of one day into the bucket; `under` is a folder of it, such as `tenant/`. */
  block(ulid: string, given?: BlockOptions): void
  blockgate(args: readonly string[], options?: Partial<CliOptions>): Promise<Ended>
  /** `blocks` of `sync --json`, and how the command ended. */
  sync(args?: readonly string[], options?: Partial<CliOptions>): Promise<Ended & { blocks: Record<string, number> }>
  /** `run` with HTTP, until it has printed `until`. Killed behind the test. */
  serve(env?: Readonly<Record<string, string>>, until?: string): Promise<Served>
}

export interface Served extends Pick<Running, 'printed'> {
  readonly url: string
  /** The text at this path. */
  get(path: string): Promise<string>
}

export interface BlockOptions {
  readonly under?: string
  /** Days after the first. Default 0. */
  readonly day?: number
  /** In place of the meta's own. */
  readonly compaction?: object
  /** The bytes of meta.json, in place of the meta itself. */
  readonly meta?: string | Uint8Array
  /** The bytes of deletion-mark.json. Default: there is none. */
  readonly mark?: string | Uint8Array
}

/** Makes projects for the tests of a file. */
export function cases(): (config?: string) => Case {
  const folders = tempFolders()
  const started: Running[] = []
  afterEach(async () => {
    for (const { child, ended } of started.splice(0)) {
      child.kill('SIGKILL')
      await ended
    }
  })
  return (config = CONFIG) => {
    const cwd = folders()
    const write = (path: string, content: string | Uint8Array) => {
      mkdirSync(dirname(join(cwd, path)), { recursive: true })
      writeFileSync(join(cwd, path), content)
    }
    const run: Case['blockgate'] = (args, options) => blockgate(args, { cwd, ...options })
    write('package.json', '{"type":"module"}')
    write('blockgate.config.ts', config)
    mkdirSync(join(cwd, 'node_modules'))
    symlinkSync(ROOT, join(cwd, 'node_modules/blockgate'))
    mkdirSync(join(cwd, 'bucket'))
    return {
      cwd,
      bucket: join(cwd, 'bucket'),
      write,
      block(ulid, given = {}) {
        const at = `bucket/${given.under ?? ''}${ulid}`
        write(`${at}/meta.json`, given.meta ?? metaText(ulid, given))
        write(`${at}/index`, INDEX)
        write(`${at}/chunks/000001`, CHUNKS)
        if (given.mark !== undefined) write(`${at}/deletion-mark.json`, given.mark)
      },
      blockgate: run,
      async sync(args = [], options) {
        const ended = await run(['sync', '--json', ...args], options)
        return { ...ended, blocks: JSON.parse(ended.stdout).blocks }
      },
      async serve(env = {}, until = '"run done"') {
        const running = start(['run'], { cwd, env: { HTTP: '127.0.0.1:0', ...env } })
        started.push(running)
        await running.printed(until)
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stderr)?.[0] ?? ''
        const get = async (path: string) => await (await fetch(`${url}${path}`)).text()
        return { url, get, printed: running.printed }
      },
    }
  }
}

/** The meta.json of a block, as Thanos' sidecar writes it. */
export function metaText(ulid: string, { day = 0, compaction }: BlockOptions = {}): string {
  const minTime = FIRST_DAY + day * DAY
  return JSON.stringify({
    ulid,
    minTime,
    maxTime: minTime + DAY,
    stats: { numSamples: 3, numSeries: 2, numChunks: 2 },
    compaction: compaction ?? { level: 1, sources: [ulid] },
    version: 1,
    thanos: {
      version: 1,
      labels: { cluster: 'eu', replica: 'a' },
      downsample: { resolution: 0 },
      source: 'sidecar',
      segment_files: ['000001'],
      files: [
        { rel_path: 'chunks/000001', size_bytes: CHUNKS.length },
        { rel_path: 'index', size_bytes: INDEX.length },
        { rel_path: 'meta.json' },
      ],
    },
  })
}
