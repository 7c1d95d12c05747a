// Runs under `deno test` with leave to read the quickstart's bucket and nothing else.
import { describe, it } from 'node:test'
import { isBlockId } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { assertEqual } from 'blockgate/testing'

describe('bucket/fs under Deno', () => {
  it('lists and reads the real blocks of the quickstart', async () => {
    const bucket = fs({ root: 'examples/quickstart/bucket' })
    const { signal } = new AbortController()
    const { prefixes } = await bucket.list('', { delimiter: '/', signal })
    assertEqual(prefixes.filter(prefix => isBlockId(prefix.slice(0, -1))).length, 15, '15 blocks')
    const body = await bucket.get(`${prefixes[0]}index`, { range: { offset: 0, length: 4 }, signal })
    assertEqual(await body?.bytes(4), new Uint8Array([0xba, 0xaa, 0xd7, 0x00]), 'the magic number of a TSDB index')
  })
})
