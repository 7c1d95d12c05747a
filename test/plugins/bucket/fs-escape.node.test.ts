import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeOf } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const text = (s: string) => new TextEncoder().encode(s)
const codeFrom = (call: Promise<unknown>) => call.then(() => 'resolved', codeOf)

describe('fs() and what leads out of its root', () => {
  let base: string
  let root: string
  let outside: string
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'blockgate-escape-'))
    root = join(base, 'root')
    outside = join(base, 'outside')
    await mkdir(join(root, 'real'), { recursive: true })
    await mkdir(outside)
    await writeFile(join(root, 'real', 'inside'), 'inside')
    await writeFile(join(outside, 'secret'), 'secret')
  })
  afterEach(() => rm(base, { recursive: true }))

  /** What a listing, flat and delimited, shows below `prefix`. */
  async function shown(prefix = '') {
    const flat = await fs({ root }).list(prefix, { signal })
    const tree = await fs({ root }).list(prefix, { delimiter: '/', signal })
    return [flat.objects.map(o => o.key), tree.objects.map(o => o.key), tree.prefixes]
  }

  it.each([
    ['out of', () => outside],
    // It is treated no differently.
    ['inside', () => join(root, 'real')],
  ])('does not read, list or delete through a link to a folder %s the root', async (_, target) => {
    await symlink(target(), join(root, 'link'))
    for (const key of ['link/secret', 'link/inside']) {
      expect(await fs({ root }).get(key, { signal })).toBeUndefined()
      await fs({ root }).delete(key, { signal })
    }
    expect(await shown()).toEqual([['real/inside'], [], ['real/']])
    expect(await shown('link/')).toEqual([[], [], []])
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
  })

  it('names each link as unreadable, wherever it leads: flat, delimited, by pages, and in a folder that holds nothing else', async () => {
    for (const at of ['dangling', 'loop', 'out', 'real/link', 'only/link']) {
      await mkdir(join(root, 'only'), { recursive: true })
      await symlink(at === 'loop' ? '.' : at === 'out' ? outside : 'nowhere', join(root, at))
    }
    for (let i = 0; i < 40; i++) await symlink('nowhere', join(root, 'real', `l${i}`))
    await mkdir(join(root, 'real', 'z'))
    await writeFile(join(root, 'real', 'z', 'last'), '')
    const flat = await fs({ root }).list('', { signal })
    expect(flat.objects.map(o => o.key)).toEqual(['real/inside', 'real/z/last'])
    const named = flat.unreadable?.map(({ key }) => key) ?? []
    expect(named).toEqual(expect.arrayContaining(['dangling/', 'loop/', 'out/', 'real/link/', 'only/link/']))
    expect(named).toHaveLength(45)
    const tree = await fs({ root }).list('', { delimiter: '/', signal })
    expect([tree.prefixes, tree.unreadable?.map(({ key }) => key)]).toEqual([
      ['only/', 'real/'],
      ['dangling/', 'loop/', 'out/'],
    ])
    expect(flat.unreadable?.map(({ error }) => (error as Error).message)).toContain(
      'bucket-failed: "out" is a symbolic link: none is followed below the root',
    )
  })

  it('refuses to write through a link to a folder, at any depth', async () => {
    await symlink(outside, join(root, 'link'))
    await symlink(outside, join(root, 'real', 'link'))
    for (const key of ['link/new', 'link/a/new', 'real/link/new', 'real/link/a/b/new']) {
      expect(await codeFrom(fs({ root }).put(key, text('x'), { signal })), key).toBe('invalid-key')
      expect(await codeFrom(fs({ root }).put(key, text('x'), { if: 'absent', signal })), key).toBe('invalid-key')
    }
    expect(await readdir(outside)).toEqual(['secret'])
  })

  it('does not read, list or delete a link to a file, and replaces it instead of writing to where it leads', async () => {
    const link = join(root, 'real', 'link')
    await symlink(join(outside, 'secret'), link)
    expect(await fs({ root }).get('real/link', { signal })).toBeUndefined()
    expect(await shown('real/')).toEqual([['real/inside'], ['real/inside'], []])
    await fs({ root }).delete('real/link', { signal })
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    await fs({ root }).put('real/link', text('mine'), { signal })
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
    expect(await (await fs({ root }).get('real/link', { signal }))?.bytes(4)).toEqual(text('mine'))
  })

  it('does not follow a folder that became a link between two pages of a listing', async () => {
    const keys = Array.from({ length: 1100 }, (_, i) => String(i).padStart(5, '0'))
    await mkdir(join(root, 'a'))
    for (const key of keys) {
      writeFileSync(join(root, 'a', key), '')
      writeFileSync(join(outside, `x${key}`), '')
    }
    const bucket = fs({ root })
    const first = await bucket.list('a/', { signal })
    expect(first.objects.length).toBe(1000)
    await rename(join(root, 'a'), join(base, 'moved'))
    await symlink(outside, join(root, 'a'))
    const second = await bucket.list('a/', { cursor: first.cursor, signal })
    const whole = await bucket.list('', { cursor: first.cursor, signal })
    expect([second.objects, whole.objects.map(o => o.key)]).toEqual([[], ['real/inside']])
  })

  it('does not follow a parent that became a link after the bucket was used', async () => {
    const bucket = fs({ root })
    expect(await (await bucket.get('real/inside', { signal }))?.bytes(6)).toEqual(text('inside'))
    await rename(join(root, 'real'), join(base, 'moved'))
    await symlink(outside, join(root, 'real'))
    expect(await bucket.get('real/secret', { signal })).toBeUndefined()
    expect(await codeFrom(bucket.put('real/secret', text('x'), { signal }))).toBe('invalid-key')
    await bucket.delete('real/secret', { signal })
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
  })

  it('does not put temp files through a link in the place of its own folder', async () => {
    await symlink(outside, join(root, '.blockgate-tmp'))
    expect(await codeFrom(fs({ root }).put('new', text('x'), { signal }))).toBe('invalid-key')
    expect(await readdir(outside)).toEqual(['secret'])
  })

  it('does not put temp files through a link that took the place of its folder later', async () => {
    const bucket = fs({ root })
    await bucket.put('a', text('x'), { signal })
    await rename(join(root, '.blockgate-tmp'), join(outside, 'moved'))
    await symlink(join(outside, 'moved'), join(root, '.blockgate-tmp'))
    expect(await codeFrom(bucket.put('b', text('x'), { signal }))).toBe('invalid-key')
    expect((await readdir(outside, { recursive: true, withFileTypes: true })).filter(e => e.isFile()).length).toBe(1)
    expect(await shown()).toEqual([['a', 'real/inside'], ['a'], ['real/']])
  })

  it('neither waits for a FIFO nor lists it', async () => {
    execFileSync('mkfifo', [join(root, 'real', 'fifo')])
    expect(await fs({ root }).get('real/fifo', { signal })).toBeUndefined()
    expect(await shown('real/')).toEqual([['real/inside'], ['real/inside'], []])
  })

  it('takes a root that is itself reached through a link', async () => {
    await symlink(root, join(base, 'alias'))
    const bucket = fs({ root: join(base, 'alias') })
    expect((await bucket.list('', { signal })).objects.map(o => o.key)).toEqual(['real/inside'])
    expect(await (await bucket.get('real/inside', { signal }))?.bytes(6)).toEqual(text('inside'))
  })
})
