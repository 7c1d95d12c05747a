import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { onDisk } from '../../src/runtime/disk/errors.ts'
import { localFiles } from '../../src/runtime/node.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const { signal } = new AbortController()
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (body: Uint8Array) => new TextDecoder().decode(body)

/** A root with a neighbour that nothing may reach. */
async function disk() {
  const outer = folder()
  const root = join(outer, 'root')
  await mkdir(root)
  await mkdir(join(outer, 'outside'))
  await writeFile(join(outer, 'outside/secret'), 'secret')
  return { root, outer, files: localFiles(root) }
}

describe('localFiles', () => {
  it.each([
    '',
    '/no-such-folder/secret',
    '../outside/secret',
    'a/../../outside/secret',
    './a',
    'a//b',
    'a/',
    'a\0b',
    'a\\b',
    '..',
  ])('refuses the path %j everywhere', async path => {
    const { files, outer } = await disk()
    const calls = [
      files.read(path, 0, 1),
      files.writeAtomic(path, bytes('x'), signal),
      files.rename(path, 'b'),
      files.rename('a', path),
      files.remove(path),
      ...(path === '' ? [] : [files.list(path)]),
    ]
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'invalid-key' } })
      expect(Object(result).reason.rawMessage).toMatch(/^path must .*: current value is "/)
    }
    expect(await readdir(outer, { recursive: true })).toEqual(['outside', 'root', 'outside/secret'])
  })

  it('makes its root and the folders above a file, and reads what was written', async () => {
    const root = join(folder(), 'not/yet/there')
    const files = localFiles(root)
    expect(await files.list('')).toEqual([])
    await files.writeAtomic('a/b/c', bytes('hello'), signal)
    expect(text(await files.read('a/b/c', 1, 3))).toBe('ell')
    expect(await files.read('a/b/c', 5, 0)).toEqual(new Uint8Array(0))
    expect(await readFile(join(root, 'a/b/c'), 'utf8')).toBe('hello')
  })

  it('its root may be a link', async () => {
    const { outer, root } = await disk()
    await symlink(root, join(outer, 'link'))
    const files = localFiles(join(outer, 'link'))
    await files.writeAtomic('a', bytes('x'), signal)
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('x')
  })

  it('a read that the file is too short for fails before anything is allocated', async () => {
    const { files } = await disk()
    await files.writeAtomic('a', bytes('hello'), signal)
    const rawMessage = 'file "a" must have >= 6 bytes: current value is 5'
    await expect(files.read('a', 3, 3)).rejects.toMatchObject({ code: 'disk-failed', rawMessage })
    await expect(files.read('a', 0, 2 ** 50)).rejects.toMatchObject({ code: 'disk-failed' })
    await expect(files.read('a', -1, 1)).rejects.toMatchObject({ code: 'invalid-key' })
    await expect(files.read('a', 0, Number.NaN)).rejects.toMatchObject({ code: 'invalid-key' })
  })

  it('what is not there is not-found; what is no file is disk-failed', async () => {
    const { files, root } = await disk()
    await mkdir(join(root, 'folder'))
    execFileSync('mkfifo', [join(root, 'pipe')])
    for (const path of ['nothing', 'nothing/below']) {
      await expect(files.read(path, 0, 1)).rejects.toMatchObject({ code: 'not-found' })
    }
    await expect(files.rename('nothing', 'b')).rejects.toMatchObject({ code: 'not-found' })
    for (const path of ['folder', 'pipe']) {
      await expect(files.read(path, 0, 1)).rejects.toMatchObject({ code: 'disk-failed' })
    }
  })

  it('follows no link: not to read, write, rename, remove or list', async () => {
    const { files, root, outer } = await disk()
    await symlink(join(outer, 'outside'), join(root, 'out'))
    await symlink(join(outer, 'outside/secret'), join(root, 'file'))
    await symlink('loop', join(root, 'loop'))
    await files.writeAtomic('a', bytes('x'), signal)
    const calls = [
      files.read('out/secret', 0, 1),
      files.read('file', 0, 1),
      files.read('loop', 0, 1),
      files.read('loop/a', 0, 1),
      files.writeAtomic('out/new', bytes('x'), signal),
      files.writeAtomic('out/new/deep', bytes('x'), signal),
      files.rename('out/secret', 'b'),
      files.rename('a', 'out/b'),
      files.remove('out/secret'),
      files.list('out'),
    ]
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'invalid-key' } })
      expect(Object(result).reason.rawMessage).toContain('must not pass through a symbolic link')
    }
    expect(await files.list('')).toEqual([{ path: 'a', size: 1 }])
    expect(await readdir(join(outer, 'outside'))).toEqual(['secret'])
    expect(await readFile(join(outer, 'outside/secret'), 'utf8')).toBe('secret')
  })

  it('a write to the name of a link replaces the link, and a remove takes the link away', async () => {
    const { files, root, outer } = await disk()
    const secret = join(outer, 'outside/secret')
    await symlink(secret, join(root, 'a'))
    await symlink(join(outer, 'outside'), join(root, 'b'))
    await files.writeAtomic('a', bytes('mine'), signal)
    await files.remove('b')
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('mine')
    expect(await readFile(secret, 'utf8')).toBe('secret')
    expect(await readdir(root)).toEqual(['a'])
  })

  it('lists every file below a folder, more than it asks for at once, and nothing for one that is missing', async () => {
    const { files, root } = await disk()
    for (const path of ['b/x/1', 'b/2', 'a', 'bb/3']) await files.writeAtomic(path, bytes(path), signal)
    const sorted = async (prefix: string) => (await files.list(prefix)).toSorted((x, y) => (x.path < y.path ? -1 : 1))
    expect(await sorted('b')).toEqual([
      { path: 'b/2', size: 3 },
      { path: 'b/x/1', size: 5 },
    ])
    expect((await sorted('')).map(file => file.path)).toEqual(['a', 'b/2', 'b/x/1', 'bb/3'])
    for (const prefix of ['c', 'a', 'a/c']) expect(await files.list(prefix)).toEqual([])
    for (let i = 0; i < 200; i++) await writeFile(join(root, 'bb', String(i)), 'x')
    expect(await files.list('bb')).toHaveLength(200)
  })

  it('renames files and folders into folders that are not there yet, and never over a folder with something in it', async () => {
    const { files } = await disk()
    await files.writeAtomic('a/1', bytes('one'), signal)
    await files.rename('a', 'x/y/z')
    expect(await files.list('')).toEqual([{ path: 'x/y/z/1', size: 3 }])
    await files.writeAtomic('b/2', bytes('two'), signal)
    await expect(files.rename('b', 'x/y/z')).rejects.toMatchObject({ code: 'disk-failed' })
    expect(text(await files.read('b/2', 0, 3))).toBe('two')
    expect(text(await files.read('x/y/z/1', 0, 3))).toBe('one')
  })

  it.each([false, true])(
    'reads what is there now, whatever stood there when it was read before (lasting: %s)',
    async lasting => {
      const { files } = await disk()
      const write = (path: string, content: string) => files.writeAtomic(path, bytes(content), signal)
      const read = async (path: string) => text(await files.read(path, 0, 3, lasting))
      await write('a/x', 'one')
      expect(await read('a/x')).toBe('one')
      await write('a/x', 'two')
      expect(await read('a/x'), 'written anew').toBe('two')
      await files.rename('a', 'b')
      await expect(read('a/x'), 'renamed').rejects.toMatchObject({ code: 'not-found' })
      await write('a/x', 'new')
      expect([await read('a/x'), await read('b/x')], 'after a rename of the folder').toEqual(['new', 'two'])
      await files.remove('b')
      await files.rename('a', 'b')
      expect(await read('b/x'), 'renamed to where another one was').toBe('new')
      await files.remove('b')
      await expect(read('b/x'), 'removed').rejects.toMatchObject({ code: 'not-found' })
      await write('a/y', 'old')
      expect(await read('a/y')).toBe('old')
      await write('a/x', 'new')
      await files.rename('a/x', 'a/y')
      expect(await read('a/y'), 'where another file was').toBe('new')
      await write('b/x', 'x')
      await expect(read('b/x')).rejects.toThrow('must have >= 3 bytes')
      await write('b/x', 'long')
      expect(await read('b/x'), 'longer than it was').toBe('lon')
    },
  )

  it('removes a file, a folder with everything in it, and what is not there', async () => {
    const { files } = await disk()
    for (const path of ['a/b/1', 'a/2', 'c']) await files.writeAtomic(path, bytes('x'), signal)
    await files.remove('a')
    await files.remove('c')
    await files.remove('never')
    await files.remove('never/there')
    expect(await files.list('')).toEqual([])
  })

  it('tells the free bytes of the disk', async () => {
    const root = folder()
    const available = execFileSync('df', ['--output=avail', '-B1', root]).toString().split('\n')[1]
    const free = await localFiles(root).free()
    // The disk is not ours alone: the two were asked one after the other.
    expect(Math.abs(free - Number(available)) / Number(available)).toBeLessThan(0.05)
  })
})

describe('writeAtomic', () => {
  it('takes a body chunk by chunk, and a reader sees the old bytes until all of the new ones are there', async () => {
    const { files, root } = await disk()
    await files.writeAtomic('a', bytes('old'), signal)
    const seen: [number, string][] = []
    async function* body() {
      for (let i = 1; i <= 4; i++) {
        yield bytes('new!')
        const temp = (await readdir(root)).find(name => name !== 'a')
        // The next is asked for only when the last one is on its way to the disk.
        seen.push([(await readFile(join(root, temp ?? ''))).length, text(await files.read('a', 0, 3))])
      }
    }
    await files.writeAtomic('a', body(), signal)
    expect(seen).toEqual([4, 8, 12, 16].map(length => [length, 'old']))
    expect(await files.list('')).toEqual([{ path: 'a', size: 16 }])
  })

  it('a body that fails leaves the old file and no temp file', async () => {
    const { files, root } = await disk()
    await files.writeAtomic('a', bytes('old'), signal)
    const reason = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    async function* body() {
      yield bytes('new')
      throw reason
    }
    await expect(files.writeAtomic('a', body(), signal)).rejects.toBe(reason)
    expect(await readdir(root)).toEqual(['a'])
    expect(text(await files.read('a', 0, 3))).toBe('old')
  })

  it.each([
    ['before it', 0],
    ['between two chunks', 1],
    ['after the last chunk', 2],
  ])('an abort %s leaves nothing, closes the body, and rejects with the reason', async (_, at) => {
    const { files, root } = await disk()
    const controller = new AbortController()
    const reason = new Error('enough')
    let closed = 0
    if (at === 0) controller.abort(reason)
    async function* body() {
      try {
        for (let i = 1; i <= 2; i++) {
          yield bytes('x')
          if (i === at) controller.abort(reason)
        }
      } finally {
        closed++
      }
    }
    await expect(files.writeAtomic('b/a', body(), controller.signal)).rejects.toBe(reason)
    expect(closed).toBe(at === 0 ? 0 : 1)
    expect(await files.list('')).toEqual([])
    expect(at === 0 ? await readdir(root) : await readdir(join(root, 'b'))).toEqual([])
  })

  it('an abort ends the write also where the body hangs', async () => {
    const { files } = await disk()
    const controller = new AbortController()
    const reason = new Error('enough')
    const asked = Promise.withResolvers<void>()
    let returned = false
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next() {
          asked.resolve()
          return new Promise(() => {})
        },
        async return() {
          returned = true
          return { done: true, value: undefined }
        },
      }),
    }
    const writing = files.writeAtomic('a', body, controller.signal)
    await asked.promise
    controller.abort(reason)
    await expect(writing).rejects.toBe(reason)
    expect(returned).toBe(true)
    expect(await files.list('')).toEqual([])
  })

  it('many writes into one new folder at once all succeed', async () => {
    const { files } = await disk()
    await Promise.all(Array.from({ length: 30 }, (_, i) => files.writeAtomic(`new/er/${i}`, bytes('x'), signal)))
    expect((await files.list('new')).length).toBe(30)
  })

  it('a file in the place of a folder, or a folder in that of a file, is an error that changes nothing', async () => {
    const { files, root } = await disk()
    await files.writeAtomic('file', bytes('x'), signal)
    await files.writeAtomic('folder/b', bytes('x'), signal)
    await expect(files.writeAtomic('file/b', bytes('y'), signal)).rejects.toMatchObject({ code: expect.any(String) })
    await expect(files.writeAtomic('folder', bytes('y'), signal)).rejects.toMatchObject({ code: 'disk-failed' })
    expect(await readdir(root, { recursive: true })).toEqual(['file', 'folder', 'folder/b'])
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('x')
  })
})

describe('onDisk', () => {
  it.each([
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['ENOENT', 'not-found'],
    ['EIO', 'disk-failed'],
  ])('%s is %s, with what was being done in the message', async (code, expected) => {
    const cause = Object.assign(new Error('x'), { code })
    const error = await onDisk('write "a"', Promise.reject(cause)).catch(e => e)
    expect(error).toMatchObject({ code: expected, cause })
    expect(error.rawMessage).toContain('cannot write "a"')
    expect(error.rawMessage).toContain(code)
  })
})
