/** What a file or a rename is worth after a power cut: each fsync, and where it stands among the other calls. */
import { basename, dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { tempFolders } from '../support/temp-folders.ts'

const calls: string[] = []
/** An fsync of this one fails. */
let broken = ''
let root = ''
/** Below the root; a temp file by what it is. */
const shown = (path: string) => {
  const inside = path === root ? '.' : path.slice(root.length + 1)
  return basename(inside).startsWith('.tmp-') ? join(dirname(inside), 'TEMP') : inside
}

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>()
  return {
    ...real,
    async open(...args: Parameters<typeof real.open>) {
      const handle = await real.open(...args)
      const { sync, write } = handle
      return Object.assign(handle, {
        async sync() {
          // When it has ended: the next call must not come before.
          if (shown(String(args[0])) === broken)
            throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
          await sync.call(handle)
          calls.push(`fsync ${shown(String(args[0]))}`)
        },
        async write(...given: [Uint8Array, number, number]) {
          calls.push(`write ${shown(String(args[0]))}`)
          return await (write as (...all: unknown[]) => Promise<unknown>).apply(handle, given)
        },
      })
    },
    async rename(from: string, to: string) {
      calls.push(`rename ${shown(from)} ${shown(to)}`)
      await real.rename(from, to)
    },
    async mkdir(path: string, options: { recursive?: boolean }) {
      const made = await real.mkdir(path, options)
      if (!options?.recursive) calls.push(`mkdir ${shown(path)}`)
      return made
    },
  }
})
const { localFiles } = await import('../../src/runtime/node.ts')

const folder = tempFolders()
const { signal } = new AbortController()

beforeEach(() => {
  root = folder()
  calls.length = 0
  broken = ''
})

describe('localFiles', () => {
  it('writeAtomic() syncs the file before it is renamed, and its folder after that', async () => {
    await localFiles(root).writeAtomic('a', new TextEncoder().encode('abc'), signal)
    expect(calls).toEqual(['write TEMP', 'fsync TEMP', 'rename TEMP a', 'fsync .'])
  })

  it('writeAtomic() syncs the folder around each one that it makes', async () => {
    await localFiles(root).writeAtomic('one/two/a', new Uint8Array(1), signal)
    expect(calls).toEqual([
      'mkdir one',
      'fsync .',
      'mkdir one/two',
      'fsync one',
      'write one/two/TEMP',
      'fsync one/two/TEMP',
      'rename one/two/TEMP one/two/a',
      'fsync one/two',
    ])
  })

  it('rename() syncs the folder that has it now, and then the one that had it', async () => {
    const files = localFiles(root)
    await files.writeAtomic('from/a', new Uint8Array(1), signal)
    await files.writeAtomic('to/b', new Uint8Array(1), signal)
    calls.length = 0
    await files.rename('from/a', 'to/a')
    expect(calls).toEqual(['rename from/a to/a', 'fsync to', 'fsync from'])
    calls.length = 0
    await files.rename('to/a', 'to/c')
    expect(calls).toEqual(['rename to/a to/c', 'fsync to'])
  })

  it('rename() goes back where a folder cannot be synced: its caller goes on with the old name', async () => {
    const files = localFiles(root)
    await files.writeAtomic('from/a', new Uint8Array(1), signal)
    await files.writeAtomic('to/b', new Uint8Array(1), signal)
    calls.length = 0
    broken = 'from'
    await expect(files.rename('from/a', 'to/a')).rejects.toThrow('disk-failed: cannot sync folder')
    expect(calls).toEqual(['rename from/a to/a', 'fsync to', 'rename to/a from/a'])
  })
})
