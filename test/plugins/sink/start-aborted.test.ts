import type { LocalFiles } from 'blockgate'
import { directory } from 'blockgate/plugins/sink/directory'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { services, settle, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'

it.each([directory, indexHeaders])('%o ends its look at the disk when the gateway is stopped meanwhile', async make => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let reads = 0
  const files = {
    remove: async () => {},
    rename: async () => {},
    list: async (path: string) =>
      Array.from({ length: 100 }, (_, n) => ({
        path: `${path === '' ? '' : `${path}/`}${testId(n)}/blockgate.json`,
        size: 10,
      })),
    async read() {
      reads++
      await promise
      return new TextEncoder().encode('not json')
    },
  } as unknown as LocalFiles
  const sink = make()
  const stop = new AbortController()
  const start = sink.start?.(services({ files }), stop.signal)
  const ended = expect(start).rejects.toThrow('stopped')
  await settle()
  const before = reads
  stop.abort(new Error('stopped'))
  resolve()
  await ended
  await settle()
  expect(reads).toBe(before)
  await sink.stop?.(new AbortController().signal)
})
