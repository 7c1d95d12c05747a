import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cases } from './case.ts'

const makeCase = cases()
const [A, B] = ['01M3TK4XE0VA00000000000000', '01M3TK6R10VB00000000000000']

/** What `sync --json` says of two blocks and a folder at `path` that nobody may read. */
async function synced(path: string) {
  const project = makeCase()
  project.block(A)
  project.block(B, { day: 1 })
  const at = join(project.bucket, path)
  mkdirSync(at, { recursive: true })
  chmodSync(at, 0o000)
  try {
    return await project.sync([], { powerless: true })
  } finally {
    chmodSync(at, 0o700)
  }
}

describe('a folder of the bucket that this user may not read', () => {
  it('beside the blocks is named once, and both blocks are served', async () => {
    const { blocks, stderr } = await synced('lost+found')
    expect(blocks).toMatchObject({ added: 2, failed: 0 })
    expect(stderr.split('\n').filter(line => line.includes('lost+found'))).toHaveLength(1)
  })

  it.each(['chunks', 'debug'])('inside one block, %s, fails that block alone', async name => {
    const { code, stdout, blocks } = await synced(`${A}/${name}`)
    expect([code, blocks]).toMatchObject([1, { added: 1, failed: 1 }])
    expect(JSON.parse(stdout).failures).toMatchObject([{ block: A }])
  })

  it('that is a whole block fails that block alone', async () => {
    const { code, blocks } = await synced(A)
    expect([code, blocks]).toMatchObject([1, { added: 1, failed: 1 }])
  })
})
