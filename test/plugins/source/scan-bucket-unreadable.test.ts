import type { Bucket } from 'blockgate'
import { memoryBucket, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { harness } from './scan-harness.ts'

const [ID1, ID2, ID3] = [testId(1), testId(2), testId(3)] as const

/** `store`, which cannot read what `keys` names now: objects, and folders with their `/`. */
function spoiled(store: Bucket, keys: ReadonlySet<string>): Bucket {
  const badOf = (key: string) => [...keys].find(bad => key === bad || (bad.endsWith('/') && key.startsWith(bad)))
  return {
    ...store,
    async list(prefix, options) {
      const page = await store.list(prefix, options)
      const bad = new Set(
        [...page.objects.map(object => object.key), ...page.prefixes].flatMap(key => badOf(key) ?? []),
      )
      return {
        ...page,
        objects: page.objects.filter(object => badOf(object.key) === undefined),
        prefixes: page.prefixes.filter(key => badOf(key) === undefined),
        unreadable: [...bad].map(key => ({ key, error: new Error(`"${key}" may not be read`) })),
      }
    },
  }
}

describe.each([
  ['recursive', 1000],
  ['recursive', 2],
  ['delimited', 1000],
  ['delimited', 2],
] as const)('scanBucket, listing %s with pages of %i, and what cannot be read', (listing, pageSize) => {
  async function filled(...unreadable: readonly string[]) {
    const keys = new Set(unreadable)
    const h = await harness({ listing }, { store: spoiled(memoryBucket({ pageSize }), keys) })
    for (const id of [ID1, ID2, ID3]) await h.block(id)
    await h.put('0-first/x', 'x')
    await h.put('0-first/y', 'x')
    return { h, keys }
  }

  it.each(['', 'chunks/', 'index', 'meta.json'])('keeps a block whose "%s" it cannot read', async part => {
    const { h } = await filled(`${ID2}/${part}`)
    expect(await h.run()).toMatchObject({ ids: [ID1, ID3], partial: [`${ID2} unreadable true`], complete: true })
  })

  it('does not mind what is no block', async () => {
    const { h } = await filled('0-first/')
    expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [], complete: true })
  })

  it('tells where there is nothing else; a volume has its lost+found', async () => {
    const keys = new Set(['lost+found/'])
    const h = await harness({ listing }, { store: spoiled(memoryBucket({ pageSize }), keys) })
    await h.put('lost+found/x', 'x')
    expect(await h.run()).toMatchObject({ complete: true, cause: undefined })
    await h.put('anonymous/x', 'x')
    keys.add('anonymous/')
    const cause = 'nothing but what cannot be read, such as "anonymous/"'
    expect(await h.run()).toMatchObject({ complete: true, cause })
  })

  it('logs each once, and once more when it could be read in between', async () => {
    const { h, keys } = await filled('0-first/', `${ID2}/chunks/`)
    const both = ['0-first/', `${ID2}/chunks/`].map(key => `${key}: "${key}" may not be read`)
    const warned = () => h.host.lines.map(({ level, fields }) => level === 'warn' && `${fields.key}: ${fields.error}`)
    await h.run()
    await h.run()
    expect(warned()).toEqual(both)
    keys.delete('0-first/')
    await h.run()
    keys.add('0-first/')
    await h.run()
    expect(warned()).toEqual([...both, both[0]])
  })

  it('reads no meta again of a block that could not be read for a while', async () => {
    const { h, keys } = await filled()
    await h.run()
    keys.add(`${ID2}/`)
    await h.run()
    keys.clear()
    expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], gets: [] })
  })
})

it.each(['recursive', 'delimited'] as const)('tells of a bucket with objects and no block: %s', async listing => {
  const h = await harness({ listing }, { pageSize: 2 })
  expect(await h.run()).toMatchObject({ complete: true, cause: undefined })
  await h.put('anonymous/bucket-index.json.gz', 'x')
  await h.put(`team/a/${ID1}/index`, 'x')
  expect((await h.run()).cause).toMatch(
    listing === 'recursive'
      ? /^2 objects such as "team\/a\/\w+\/index", and no block: .* give it one, such as prefix: "team\/a"$/
      : /^2 keys such as "anonymous\/", and no block: .* prefix: "<folder>"$/,
  )
  await h.put('x', '')
  if (listing === 'recursive') expect((await h.run()).cause).toMatch(/^at least 2 objects such as/)
  await h.block(ID2, null)
  expect(await h.run()).toMatchObject({ complete: true, cause: undefined })
})
