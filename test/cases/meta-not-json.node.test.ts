import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { cases, metaText } from './case.ts'

const makeCase = cases()

/** Of each block, the bytes of its meta.json and what must be said of them. */
const METAS: Readonly<Record<string, readonly [bytes: (whole: string) => string | Uint8Array, said: RegExp]>> = {
  '01M3TKYHR0GZ00000000000000': [gzipSync, /\bgzip\b/],
  '01M3TM0CB0HTM0000000000000': [() => '<html><body>502 Bad Gateway</body></html>\n', /<html>/],
  '01M3TM26Y0CVT0000000000000': [whole => whole.slice(0, 200), /ends at byte 200\b/],
  '01M3TM41H0VTF1600000000000': [whole => Buffer.from(`\uFEFF${whole}`, 'utf16le'), /UTF-16/],
  '01M3TM5W40ZER0S00000000000': [() => new Uint8Array(300), /zero/],
}

it('five metas that are no JSON, each in its own way: each message says what was found, on one short line', async () => {
  const project = makeCase()
  for (const [ulid, [bytes]] of Object.entries(METAS)) project.block(ulid, { meta: bytes(metaText(ulid)) })
  const { code, stdout } = await project.blockgate(['sync'])
  expect(code).toBe(1)
  for (const [ulid, [, said]] of Object.entries(METAS)) {
    const lines = stdout.split('\n').filter(line => line.includes(ulid))
    expect(lines).toEqual([expect.stringMatching(said)])
    expect(lines[0]?.length, lines[0]).toBeLessThan(200)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes of the bucket must not reach a terminal
    expect(lines[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  }
})
