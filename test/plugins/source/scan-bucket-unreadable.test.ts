import type { Bucket } from 'blockgate'
import { memoryBucket, runContext, testId } from 'blockgate/testing'
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
    const store = memoryBucket({ pageSize })
    const h = await harness({ listing }, { store: spoiled(store, keys) })
    for (const id of [ID1, ID2, ID3]) await h.block(id)
    await h.put('0-first/x', 'x')
    await h.put('0-first/y', 'x')
    return { h, keys }
  }
  const warned = ({ host }: Awaited<ReturnType<typeof filled>>['h']) =>
    host.lines.filter(line => line.level === 'warn').map(line => `${line.fields.key}: ${line.fields.error}`)

  it.each(['', 'chunks/', 'index', 'meta.json'])(
    'keeps a block whose "%s" it cannot read, and offers the others',
    async part => {
      const { h } = await filled(`${ID2}/${part}`)
      expect(await h.run()).toMatchObject({ ids: [ID1, ID3], partial: [`${ID2} unreadable true`], complete: true })
    },
  )

  it('does not mind what is no block', async () => {
    const { h } = await filled('0-first/')
    expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], partial: [], complete: true })
  })

  it('is told where there is nothing else; a volume has its lost+found', async () => {
    const keys = new Set(['lost+found/'])
    const h = await harness({ listing }, { store: spoiled(memoryBucket({ pageSize }), keys) })
    const endOf = async () => {
      const pages = h.source.pages(runContext())
      for (;;) {
        const step = await pages.next()
        if (step.done) return step.value
      }
    }
    await h.put('lost+found/x', 'x')
    expect(await endOf()).toEqual({ complete: true, cause: undefined })
    await h.put('anonymous/x', 'x')
    keys.add('anonymous/')
    expect(await endOf()).toEqual({
      complete: true,
      cause: 'nothing but what cannot be read, such as "anonymous/"',
    })
  })

  it('names each once, and once more when it could be read in between', async () => {
    const { h, keys } = await filled('0-first/', `${ID2}/chunks/`)
    const both = [`0-first/: "0-first/" may not be read`, `${ID2}/chunks/: "${ID2}/chunks/" may not be read`]
    await h.run()
    await h.run()
    expect(warned(h)).toEqual(both)
    keys.delete('0-first/')
    await h.run()
    keys.add('0-first/')
    await h.run()
    expect(warned(h)).toEqual([...both, both[0]])
  })

  it('reads no meta again of a block that could not be read for a while', async () => {
    const { h, keys } = await filled()
    await h.run()
    keys.add(`${ID2}/`)
    await h.run()
    keys.clear()
    h.calls.length = 0
    expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3] })
    expect(h.calls.filter(call => call.startsWith('get'))).toEqual([])
  })
})
