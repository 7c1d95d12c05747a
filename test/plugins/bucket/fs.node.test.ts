import { mkdir, mkdtemp, readdir, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeOf, rawMessageOf } from 'blockgate'
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

  it('reports a root that is missing, empty or no path, without looking at the disk', () => {
    expect(fs({ root: undefined }).check?.()).toEqual([{ path: 'root', must: 'be given', value: undefined }])
    expect(fs({ root: '' }).check?.()).toEqual([{ path: 'root', must: 'be a path without NUL', value: '' }])
    expect(fs({ root: 'a\0b' }).check?.()).toEqual([{ path: 'root', must: 'be a path without NUL', value: 'a\0b' }])
    expect(fs({ root: '/no/such/folder' }).check?.()).toEqual([])
  })

  it('does not start on a missing root, and says what it must be', async () => {
    const thrown = await fs({ root: '/no/such/folder' })
      .start?.(services())
      .catch((error: unknown) => error)
    expect(String(thrown)).toBe(
      'BucketError: bucket-failed: root must be an existing directory: current value is "/no/such/folder" (ENOENT)',
    )
  })

  it('does not start on a root that is a file', async () => {
    await writeFile(join(made.root, 'file'), '')
    await expect(fs({ root: join(made.root, 'file') }).start?.(services())).rejects.toThrow('(not a directory)')
  })

  it('fails when the root has gone: an empty page would mean an empty bucket, undefined a missing object', async () => {
    const bucket = fs({ root: made.root })
    await bucket.start?.(services())
    await rm(made.root, { recursive: true })
    for (const prefix of ['', 'a/']) {
      expect(codeOf(await bucket.list(prefix, { signal }).catch((error: unknown) => error))).toBe('bucket-failed')
    }
    expect(codeOf(await bucket.get('a', { signal }).catch((error: unknown) => error))).toBe('bucket-failed')
    await mkdir(made.root)
  })

  it('shows no folder that holds no object as a common prefix', async () => {
    await mkdir(join(made.root, 'empty', 'deeper'), { recursive: true })
    await mkdir(join(made.root, 'full', 'deeper'), { recursive: true })
    await writeFile(join(made.root, 'full', 'deeper', 'object'), '')
    expect((await made.bucket.list('', { delimiter: '/', signal })).prefixes).toEqual(['full/'])
  })

  it('names each object in a folder whose names it may read, and nothing else', async () => {
    for (const key of ['a/1', 'b/1', 'b/2/3', 'c/1']) await made.bucket.put(key, text('x'), { signal })
    makeUnreadable(join(made.root, 'b'), { names: true })
    const page = await made.bucket.list('', { signal })
    expect(page.objects.map(object => object.key)).toEqual(['a/1', 'c/1'])
    expect(page.unreadable?.map(({ key, error }) => `${key}: ${rawMessageOf(error)}`)).toEqual([
      'b/1: object "b/1" must be readable: it failed with EACCES',
      'b/2/: folder "b/2/" must be readable: it failed with EACCES',
    ])
  })

  it.each(['EIO', 'ESTALE', 'UNKNOWN'])('takes %s of one folder for a folder that cannot be read', async code => {
    for (const key of ['a/1', 'b/1']) await made.bucket.put(key, text('x'), { signal })
    makeUnreadable(join(made.root, 'a'), { code })
    const page = await made.bucket.list('', { signal })
    expect([page.objects.map(object => object.key), page.unreadable?.map(at => at.key)]).toEqual([['b/1'], ['a/']])
  })

  it.each(['EMFILE', 'ENFILE', 'ENOMEM'])('fails with %s: it says nothing about the folder', async code => {
    await made.bucket.put('a/1', text('x'), { signal })
    makeUnreadable(join(made.root, 'a'), { code })
    await expect(made.bucket.list('', { signal })).rejects.toThrow(code)
  })

  it('fails where the root itself, or the folder that the listing begins in, cannot be read', async () => {
    await made.bucket.put('a/b/1', text('x'), { signal })
    makeUnreadable(join(made.root, 'a'))
    for (const prefix of ['a/', 'a/b/']) await expect(made.bucket.list(prefix, { signal })).rejects.toThrow('EACCES')
    makeUnreadable(made.root)
    await expect(made.bucket.list('', { signal })).rejects.toThrow('EACCES')
  })

  it('goes on behind a folder that could be read for the page before, and then no more', async () => {
    await mkdir(join(made.root, 'a'))
    for (const i of Array.from({ length: 1100 }, (_, n) => n))
      await writeFile(join(made.root, 'a', String(i).padStart(5, '0')), '')
    await made.bucket.put('b/1', text('x'), { signal })
    const first = await made.bucket.list('', { signal })
    makeUnreadable(join(made.root, 'a'))
    const second = await made.bucket.list('', { cursor: first.cursor, signal })
    expect([second.objects.map(object => object.key), second.unreadable?.map(at => at.key)]).toEqual([['b/1'], ['a/']])
  })

  it('gives a page of folders that cannot be read an end, and each of them once', async () => {
    const names = Array.from({ length: 1100 }, (_, n) => `f${String(n).padStart(5, '0')}`)
    for (const name of names) await mkdir(join(made.root, name))
    for (const name of names) makeUnreadable(join(made.root, name))
    for (const delimiter of [undefined, '/'] as const) {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await made.bucket.list('', { cursor, signal, ...(delimiter && { delimiter }) })
        seen.push(...(page.unreadable ?? []).map(at => at.key))
        cursor = page.cursor
      } while (cursor !== undefined)
      expect(seen).toEqual(names.map(name => `${name}/`))
    }
  })

  it('reads a folder again for the next page when something was put into it', async () => {
    const folder = join(made.root, 'a')
    await mkdir(folder)
    for (let i = 0; i < 2500; i++) await writeFile(join(folder, String(i).padStart(5, '0')), '')
    const first = await made.bucket.list('', { signal })
    const second = await made.bucket.list('', { cursor: first.cursor, signal })
    await writeFile(join(folder, 'new'), '')
    const third = await made.bucket.list('', { cursor: second.cursor, signal })
    expect([third.objects.length, third.objects.at(-1)?.key]).toEqual([501, 'a/new'])
  })

  it('lists no temp file, and removes its folder for them at stop', async () => {
    await made.bucket.put('a', text('x'), { signal })
    expect(await readdir(made.root)).toEqual(['.blockgate-tmp', 'a'])
    expect((await made.bucket.list('', { signal })).objects.map(o => o.key)).toEqual(['a'])
    expect((await made.bucket.list('', { delimiter: '/', signal })).prefixes).toEqual([])
    await made.bucket.stop?.(signal)
    expect(await readdir(made.root)).toEqual(['a'])
  })

  it('takes no key in the folder of temp files', async () => {
    for (const key of ['.blockgate-tmp', '.blockgate-tmp/x']) {
      expect(codeOf(await made.bucket.put(key, text('x'), { signal }).catch((e: unknown) => e))).toBe('invalid-key')
    }
  })

  it('goes on after its folder of temp files was swept away', async () => {
    await made.bucket.put('a', text('x'), { signal })
    await rm(join(made.root, '.blockgate-tmp'), { recursive: true })
    expect(await made.bucket.put('b', text('x'), { signal })).toBe('stored')
  })

  it('leaves no temp file behind a conflict or a failed put', async () => {
    await made.bucket.put('a', text('x'), { signal })
    await made.bucket.put('a', text('y'), { if: 'absent', signal })
    await made.bucket.put('a/b', text('y'), { signal }).catch(() => {})
    const [own] = await readdir(join(made.root, '.blockgate-tmp'))
    expect(await readdir(join(made.root, '.blockgate-tmp', own ?? ''))).toEqual([])
  })

  it('tells whatever fails in one line, whatever the key is', async () => {
    await made.bucket.put('a\nb', text('x'), { signal })
    await symlink(made.root, join(made.root, 'l\nk'))
    const failed = [
      made.bucket.put('a\nb/c', text('x'), { signal }),
      made.bucket.put('l\nk/c', text('x'), { signal }),
      made.bucket.put('.blockgate-tmp/a\nb', text('x'), { signal }),
      made.bucket.get('a\nb', { signal }).then(body => body?.bytes(0)),
      made.bucket.get('a\n/../b', { signal }),
    ]
    for (const ended of await Promise.allSettled(failed)) {
      expect(ended).toMatchObject({
        status: 'rejected',
        reason: { rawMessage: expect.stringMatching(/^[^\n]{1,300}$/) },
      })
    }
  })

  it('says that an object cannot stand below another one', async () => {
    await made.bucket.put('a', text('x'), { signal })
    await expect(made.bucket.put('a/b', text('y'), { signal })).rejects.toThrow('must not be an object itself')
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
    await truncate(join(made.root, 'a'), 100_000)
    await reader?.read()
    await expect(reader?.read()).rejects.toThrow('object "a" must have 200000 bytes: it ended at 100000')
  })

  it('leaves no file open behind bodies that were read, disposed, cancelled or aborted', async () => {
    const open = async () => {
      const files = (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
      return (await Promise.all(files)).filter(file => file.startsWith(made.root)).length
    }
    await made.bucket.put('a', new Uint8Array(200_000), { signal })
    const controller = new AbortController()
    const get = async () => await made.bucket.get('a', { signal: controller.signal })
    const bodies = [await get(), await get(), await get(), await get()]
    expect(await open()).toBe(4)
    await bodies[0]?.bytes(200_000)
    await bodies[1]?.[Symbol.asyncDispose]()
    await bodies[2]?.stream.cancel()
    expect(await open()).toBe(1)
    controller.abort(new Error('enough'))
    await bodies[3]?.[Symbol.asyncDispose]()
    expect(await open()).toBe(0)
  })

  it('lets ten puts and deletes of neighbours run at once without losing an object', async () => {
    for (let round = 0; round < 20; round++) {
      await made.bucket.put('f/old', text('x'), { signal })
      await Promise.all([
        made.bucket.delete('f/old', { signal }),
        ...Array.from({ length: 9 }, (_, i) => made.bucket.put(`f/${i}/x`, text('x'), { signal })),
      ])
      expect((await made.bucket.list('f/', { signal })).objects.length).toBe(9)
      for (let i = 0; i < 9; i++) await made.bucket.delete(`f/${i}/x`, { signal })
    }
  })
})
