// The table of a file on the disk, whose checksum is right whatever it says.
import { crc32c } from 'blockgate/tsdb'
import { expect, it } from 'vitest'
import { decodeTable, encodeSegment, START_BYTES } from '../../../plugins/cache/disk/segment.ts'

const entries = ['a', 'b'].map((key, i) => ({ key, kind: 'chunk' as const, value: new Uint8Array(3 + i) }))
const [start = new Uint8Array(), table = new Uint8Array()] = encodeSegment(entries)

/** What is read of a file with 7 bytes of values whose table has this text. */
function decoded(text: string) {
  const bytes = new TextEncoder().encode(text)
  const own = start.slice()
  new DataView(own.buffer).setUint32(8, crc32c(bytes))
  return decodeTable(own, bytes, START_BYTES + bytes.length + 7)
}

it('says where each value is', () => {
  const offset = START_BYTES + table.length
  expect(decodeTable(start, table, offset + 7)).toEqual([
    { key: 'a', kind: 'chunk', offset, size: 3 },
    { key: 'b', kind: 'chunk', offset: offset + 3, size: 4 },
  ])
  expect(decoded('[["a","chunk",7]]')).toHaveLength(1)
})

it.each([
  '',
  '{}',
  'null',
  '[null]',
  '[5]',
  '["a"]',
  '[["a","chunk"]]',
  '[["a","chunk","7"]]',
  '[["a","none",7]]',
  '[[1,"chunk",7]]',
  '[["a","chunk",6]]',
  '[["a","chunk",8],["b","chunk",-1]]',
  '[["a","chunk",7.5],["b","chunk",-0.5]]',
])('is damaged where its text is %s', text => {
  expect(decoded(text)).toBeUndefined()
})
