import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rawMessageOf } from 'blockgate'
import { type FsOptions, fs } from 'blockgate/plugins/bucket/fs'
import { services, testBucket } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeReadable, makeUnreadable } from '../../support/unreadable.ts'

async function fixture(prefix?: string) {
  const root = await mkdtemp(join(tmpdir(), 'blockgate-fs-'))
  const cleanup = async () => {
    makeReadable()
    await rm(root, { recursive: true })
  }
  return { root, bucket: fs({ root, prefix }), cleanup }
}

vi.mock('node:fs/promises', async original => (await import('../../support/unreadable.ts')).withUnreadable(original))
vi.mock('node:fs', async original => (await import('../../support/unreadable.ts')).withUnreadableSync(original))

for (const prefix of [undefined, 'team-a/blocks']) {
  testBucket(
    { describe, it },
    {
      name: prefix === undefined ? 'fs' : 'fs with a prefix',
      factory: () => fixture(prefix),
      spoil: ({ options }, folder) =>
        makeUnreadable(join((options as FsOptions).root ?? '', prefix ?? '', folder).slice(0, -1)),
    },
  )
}

describe('fs()', () => {
  const { signal } = new AbortController()
  const text = (s: string) => new TextEncoder().encode(s)
  let made: Awaited<ReturnType<typeof fixture>>
  beforeEach(async () => {
    made = await fixture()
  })
  afterEach(() => made.cleanup())
  const at = (...path: readonly string[]) => join(made.root, ...path)
  const putAll = async (...keys: readonly string[]) => {
    for (const key of keys) await made.bucket.put(key, text('x'), { signal })
  }
  /** Makes `count` files in a folder, without the bucket. */
  const fill = (folder: string, count: number) => {
    mkdirSync(at(folder))
    for (let i = 0; i < count; i++) writeFileSync(at(folder, String(i).padStart(5, '0')), '')
  }
  const list = async (
    options: { readonly prefix?: string; readonly delimiter?: '/'; readonly cursor?: string } = {},
  ) => {
    const { prefix = '', ...rest } = options
    const page = await made.bucket.list(prefix, { ...rest, signal })
    const unreadable = page.unreadable ?? []
    return {
      ...page,
      objects: page.objects.map(object => object.key),
      unreadable: unreadable.map(at => at.key),
      says: unreadable.map(at => rawMessageOf(at.error)),
    }
  }

  it('reports a root that is missing, empty or no path, without looking at the disk', () => {
    const problem = (root: string | undefined) => fs({ root }).check?.()
    expect(problem(undefined)).toEqual([{ path: 'root', must: 'be given', value: undefined }])
    for (const root of ['', 'a\0b']) {
      expect(problem(root)).toEqual([{ path: 'root', must: 'be a path without NUL', value: root }])
    }
    expect(problem('/no/such/folder')).toEqual([])
  })

  it.each([
    ['is missing', '/no/such/folder', 'ENOENT'],
    ['is a file', import.meta.filename, 'not a directory'],
    ['is the whole disk', '/', 'the whole disk'],
  ])('does not start on a root that %s, and says what it must be', async (_, root, is) => {
    const message = `root must be an existing directory: current value is "${root}" (${is})`
    await expect(fs({ root }).start?.(services())).rejects.toMatchObject({ rawMessage: message, retryable: false })
  })

  it('fails when the root has gone: an empty page would mean an empty bucket, undefined a missing object', async () => {
    await made.bucket.start?.(services())
    await rm(made.root, { recursive: true })
    for (const call of [() => list(), () => list({ prefix: 'a/' }), () => made.bucket.get('a', { signal })]) {
      await expect(call()).rejects.toMatchObject({ code: 'bucket-failed' })
    }
    await mkdir(made.root)
  })

  it('looks for its root again at the call after one that failed', async () => {
    const bucket = fs({ root: at('later') })
    await expect(bucket.get('a', { signal })).rejects.toThrow('ENOENT')
    await mkdir(at('later'))
    expect(await bucket.get('a', { signal })).toBeUndefined()
  })

  it('shows no folder that holds no object as a common prefix', async () => {
    await mkdir(at('empty', 'deeper'), { recursive: true })
    await putAll('full/deeper/object')
    expect((await list({ delimiter: '/' })).prefixes).toEqual(['full/'])
  })

  it('names each object in a folder whose names it may read, and nothing else', async () => {
    await putAll('a/1', 'b/1', 'b/2/3', 'c/1')
    makeUnreadable(at('b'), { names: true })
    expect(await list()).toMatchObject({
      objects: ['a/1', 'c/1'],
      unreadable: ['b/1', 'b/2/'],
      says: ['cannot read object "b/1": it failed with EACCES', 'cannot read folder "b/2/": it failed with EACCES'],
    })
  })

  it.each(['EIO', 'ESTALE', 'UNKNOWN', 'EMFILE', 'ENFILE', 'ENOMEM'])('knows what %s says of a folder', async code => {
    await putAll('a/1', 'b/1')
    makeUnreadable(at('a'), { code })
    // That the process has too few of something says nothing about the folder.
    if (/EMFILE|ENFILE|ENOMEM/.test(code)) await expect(list()).rejects.toThrow(code)
    else expect(await list()).toMatchObject({ objects: ['b/1'], unreadable: ['a/'] })
  })

  it('fails where the root itself, or the folder that the listing begins in, cannot be read', async () => {
    await putAll('a/b/1')
    makeUnreadable(at('a'))
    for (const prefix of ['a/', 'a/b/']) await expect(list({ prefix })).rejects.toThrow('EACCES')
    makeUnreadable(made.root)
    await expect(list()).rejects.toThrow('EACCES')
  })

  it('goes on behind a folder that could be read for the page before, and then no more', async () => {
    fill('a', 1100)
    await putAll('b/1')
    const { cursor = '' } = await list()
    makeUnreadable(at('a'))
    expect(await list({ cursor })).toMatchObject({ objects: ['b/1'], unreadable: ['a/'] })
  })

  it.each([undefined, '/'] as const)(
    'ends a listing of folders that cannot be read by %s, each once',
    async delimiter => {
      const names = Array.from({ length: 1100 }, (_, n) => `f${String(n).padStart(5, '0')}/`)
      for (const name of names) {
        mkdirSync(at(name))
        makeUnreadable(at(name.slice(0, -1)))
      }
      const first = await list({ ...(delimiter && { delimiter }) })
      const second = await list({ ...(delimiter && { delimiter }), cursor: first.cursor ?? '' })
      expect([...first.unreadable, ...second.unreadable]).toEqual(names)
      expect(second.cursor).toBeUndefined()
    },
  )

  it('stops where a page is full: what is behind it is the matter of the next page', async () => {
    fill('a', 1100)
    await putAll('b/1')
    makeUnreadable(at('b'), { code: 'EMFILE' })
    const { objects, cursor = '' } = await list()
    expect(objects).toHaveLength(1000)
    await expect(list({ cursor })).rejects.toThrow('EMFILE')
  })

  it('reads a folder again for the next page when something was put into it', async () => {
    fill('a', 2500)
    const first = await list()
    const second = await list({ cursor: first.cursor ?? '' })
    await writeFile(at('a', 'new'), '')
    const { objects } = await list({ cursor: second.cursor ?? '' })
    expect([objects.length, objects.at(-1)]).toEqual([501, 'a/new'])
  })

  it('lists no temp file, takes no key in their folder, and removes it at stop', async () => {
    await putAll('a')
    expect(await readdir(made.root)).toEqual(['.blockgate-tmp', 'a'])
    expect(await list({ delimiter: '/' })).toMatchObject({ objects: ['a'], prefixes: [] })
    for (const key of ['.blockgate-tmp', '.blockgate-tmp/x']) {
      await expect(putAll(key)).rejects.toMatchObject({ code: 'invalid-key' })
    }
    await made.bucket.stop?.(signal)
    expect(await readdir(made.root)).toEqual(['a'])
  })

  it('goes on after its folder of temp files was swept away', async () => {
    await putAll('a')
    await rm(at('.blockgate-tmp'), { recursive: true })
    await putAll('b')
    expect((await list()).objects).toEqual(['a', 'b'])
  })

  it('leaves no temp file behind a conflict or a failed put', async () => {
    await putAll('a')
    await made.bucket.put('a', text('y'), { if: 'absent', signal })
    await expect(putAll('a/b')).rejects.toThrow('no other object can stand below it')
    const [own = 'its folder'] = await readdir(at('.blockgate-tmp'))
    expect(await readdir(at('.blockgate-tmp', own))).toEqual([])
  })

  it('tells whatever fails in one line, whatever the key is', async () => {
    await putAll('a\nb')
    await symlink(made.root, at('l\nk'))
    const failing = [
      () => putAll('a\nb/c'),
      () => putAll('l\nk/c'),
      () => putAll('.blockgate-tmp/a\nb'),
      async () => await (await made.bucket.get('a\nb', { signal }))?.bytes(0),
      () => made.bucket.get('a\n/../b', { signal }),
    ]
    for (const call of failing) {
      await expect(call()).rejects.toMatchObject({ rawMessage: expect.stringMatching(/^[^\n]{1,300}$/) })
    }
  })

  it('keeps a body whole for its reader while the object is replaced and deleted', async () => {
    await made.bucket.put('a', text('before'), { signal })
    const body = await made.bucket.get('a', { signal })
    await made.bucket.put('a', text('after'), { signal })
    await made.bucket.delete('a', { signal })
    expect(await body?.bytes(6)).toEqual(text('before'))
  })

  it('fails a body whose file is cut off while it is read', async () => {
    await made.bucket.put('a', new Uint8Array(200_000), { signal })
    const reader = (await made.bucket.get('a', { signal }))?.stream.getReader()
    await reader?.read()
    await truncate(at('a'), 100_000)
    await reader?.read()
    await expect(reader?.read()).rejects.toThrow('object "a" ended after 100000 of 200000 bytes')
  })

  it('leaves no file open behind bodies that were read, disposed, cancelled or aborted', async () => {
    const open = async () => {
      const files = (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
      return (await Promise.all(files)).filter(file => file.startsWith(made.root)).length
    }
    await made.bucket.put('a', new Uint8Array(200_000), { signal })
    const controller = new AbortController()
    const get = async () => await made.bucket.get('a', { signal: controller.signal })
    const [read, disposed, cancelled, aborted] = [await get(), await get(), await get(), await get()]
    expect(await open()).toBe(4)
    await read?.bytes(200_000)
    await disposed?.[Symbol.asyncDispose]()
    await cancelled?.stream.cancel()
    expect(await open()).toBe(1)
    controller.abort(new Error('enough'))
    await aborted?.[Symbol.asyncDispose]()
    expect(await open()).toBe(0)
  })

  it('lets ten puts and deletes of neighbours run at once without losing an object', async () => {
    for (let round = 0; round < 20; round++) {
      await putAll('f/old')
      const keys = Array.from({ length: 9 }, (_, i) => `f/${i}/x`)
      await Promise.all([made.bucket.delete('f/old', { signal }), ...keys.map(key => putAll(key))])
      expect((await list({ prefix: 'f/' })).objects).toEqual(keys)
      for (const key of keys) await made.bucket.delete(key, { signal })
    }
  })
})
