// While a gateway starts, a query has the blocks that it needs loaded first, and is answered before the gateway is ready.
import { gateway, resolveConfig } from 'blockgate'
import { memoryBucket } from 'blockgate/bucket'
import { createApp } from 'blockgate/http'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { localFiles, nodeHost } from 'blockgate/runtime/node'
import { fakeHost, memoryState, testId } from 'blockgate/testing'
import { expect, it, onTestFinished } from 'vitest'
import { resolveServe, type ServeConfig } from '../../src/config/serve.ts'
import { queryRoutes } from '../../src/http/queries.ts'
import { snappy } from '../../src/runtime/snappy.ts'
import { everything } from '../support/syncs.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { samplesIn } from './answers.ts'
import { UP } from './query-world.ts'
import { request, uncompress } from './requests.ts'
import { SERIES, stored } from './stored.ts'

const HOURS_2 = 7_200_000
const folder = tempFolders()

/** A gateway of one worker whose GETs of an index wait until they are let go. Its start goes on. */
async function starting(stages: readonly [] | readonly [typeof everything], given?: ServeConfig) {
  const bucket = await stored(memoryBucket())
  const get = bucket.get.bind(bucket)
  const reached = [1, 2, 3].map(() => Promise.withResolvers<void>())
  const opened = [1, 2, 3].map(() => Promise.withResolvers<void>())
  const held = {
    ...bucket,
    get: async (...asked: Parameters<typeof get>) => {
      const at = [1, 2, 3].findIndex(n => asked[0] === `${testId(n)}/index`)
      reached[at]?.resolve()
      await opened[at]?.promise
      return await get(...asked)
    },
  }
  const dir = folder()
  const pipeline = [scanBucket(), ...stages, indexHeaders()] as const
  const config = await resolveConfig({ bucket: held, pipeline, dir, concurrency: 1 }, { env: {} })
  const host = nodeHost({ log: fakeHost().log })
  const made = gateway(config, { host, files: localFiles(dir), state: memoryState() })
  onTestFinished(() => made.stop())
  const run = made.start()
  const queries = queryRoutes({ gateway: made, serve: resolveServe(given), host, snappy })
  const app = createApp({ gateway: made, config, host, version: '1.2.3', queries })
  /** Asks for the times of these blocks: how many series the answer has, or what it says instead. */
  const ask = async (first: number, last = first) => {
    const body = request([UP], first * HOURS_2, (last + 1) * HOURS_2 - 1, [])
    const response = await app.request('/api/v1/read', { method: 'POST', body: body as BodyInit })
    if (response.status !== 200) return (await response.json()).error
    const [series] = samplesIn(uncompress(new Uint8Array(await response.arrayBuffer())))
    return {
      samples: series?.reduce((sum, { floats }) => sum + floats.length, 0),
      warnings: response.headers.get('x-blockgate-warnings'),
    }
  }
  return {
    gateway: made,
    run,
    ask,
    /** Resolves when the load of this block has begun. */
    begun: (n: number) => reached[n - 1]?.promise,
    open: (n: number) => opened[n - 1]?.resolve(),
  }
}

it.each([
  ['one segment', [] as const],
  ['two segments', [everything] as const],
])('a block that a query asks for is loaded before the others, and answered: %s', async (_, stages) => {
  const { gateway, run, ask, begun, open } = await starting(stages)
  await begun(1)
  // Of one segment the last page is not read yet.
  const refused = await ask(3)
  expect(refused).toMatchObject({ code: expect.stringMatching(/^(incomplete|not-ready)$/) })
  while (!gateway.readiness.known) await new Promise(resolve => setImmediate(resolve))
  expect(await ask(3)).toMatchObject({ code: 'not-ready', message: expect.stringContaining(`${testId(3)} (pending)`) })
  open(3)
  open(1)
  // One worker: the block that was asked for is loaded by now.
  await begun(2)
  expect(gateway.readiness.ready).toBe(false)
  expect(await ask(3)).toEqual({ samples: SERIES, warnings: null })
  expect(await ask(1, 3)).toMatchObject({ code: 'not-ready', message: expect.stringContaining(testId(2)) })
  open(2)
  await run
  expect(await ask(1, 3)).toEqual({ samples: 3 * SERIES, warnings: null })
})

it("partial: 'answer' answers what is loaded so far, and says what is not", async () => {
  const { ask, begun, open, run } = await starting([everything], { partial: 'answer' })
  await begun(1)
  const first = await ask(1, 3)
  expect(first).toEqual({ samples: 0, warnings: expect.stringContaining('3 blocks of this time are not loaded here') })
  for (const n of [1, 2, 3]) open(n)
  await run
  expect(await ask(1, 3)).toEqual({ samples: 3 * SERIES, warnings: null })
})
