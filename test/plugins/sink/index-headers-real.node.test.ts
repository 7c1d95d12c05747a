import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { openMetrics } from '../../support/openmetrics.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, headersWorld } from './sink-world.ts'

const folder = tempFolders()

/** The sections of a real index and of its header, which must be the same bytes. */
function assertSections(index: Buffer, header: Buffer): void {
  const toc = (i: number) => Number(index.readBigUInt64BE(index.length - 52 + i * 8))
  const [symbols, series, table] = [toc(0), toc(1), toc(5)]
  const expected = Buffer.concat([
    Buffer.from('baaad7920102', 'hex'),
    index.subarray(index.length - 52 + 40, index.length - 52 + 48),
    index.subarray(symbols, series),
    index.subarray(table),
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 0]),
  ])
  const tableAt = Buffer.alloc(4)
  tableAt.writeUInt32BE(14 + series - symbols)
  expect(Buffer.compare(header.subarray(0, -4), Buffer.concat([expected, tableAt]))).toBe(0)
}

it('1,000 series of two hours: an index of 99,009 bytes becomes a header of 11,539', async () => {
  const from = folder()
  // The first two of 48 hours: a block that can be made again anywhere.
  const lines = openMetrics({ series: 1000, start: 1_700_006_400, hours: 48, keepHours: 2, seed: 1 })
  await writeFile(join(from, 'text'), lines.join(''))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', join(from, 'text'), join(from, 'out')])
  const [made = ''] = readdirSync(join(from, 'out'))
  const index = await readFile(join(from, 'out', made, 'index'))
  expect(index).toHaveLength(99_009)

  const { root, sink, bucket, store } = await headersWorld({ root: folder() })
  await add(sink, await storedIndex(store, 1, index))
  const header = await readFile(join(root, testId(1), 'index-header'))
  expect(header).toHaveLength(11_539)
  assertSections(index, header)
  expect(bucket.gets).toEqual(['index 0+99009'])

  // With reads that are just large enough it is two, of no more than what the header needs.
  const [head, tail] = [index.readUInt32BE(5) + 13, index.length - Number(index.readBigUInt64BE(index.length - 12))]
  const exact = await headersWorld({ root: folder(), headBytes: head, tailBytes: tail })
  await add(exact.sink, await storedIndex(exact.store, 1, index))
  expect(exact.bucket.gets).toEqual([`index -${tail}`, `index 0+${head}`])
  expect(head + tail).toBe(11_539 - 14 - 20 + 5)
  expect(Buffer.compare(await readFile(join(exact.root, testId(1), 'index-header')), header)).toBe(0)
})
