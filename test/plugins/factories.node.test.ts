// A factory is pure and never throws: what is wrong with its options is told by check(), with all that is wrong elsewhere.
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { Component } from 'blockgate'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const folders = globSync('plugins/*/*/index.ts', { cwd: ROOT }).map(path => path.split('/').slice(1, 3).join('/'))

/** `hash-ring` is made by `hashRing`; a folder without such a function is a part that plugins are made of. */
async function factoryOf(folder: string): Promise<((options: unknown) => Component) | undefined> {
  const name = folder.replace(/^.*\//, '').replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  const module: Readonly<Record<string, unknown>> = await import(join(ROOT, 'plugins', folder, 'index.ts'))
  const factory = module[name] ?? module[`${name}Store`] ?? module[`${name}Cache`]
  return typeof factory === 'function' ? (factory as (options: unknown) => Component) : undefined
}

describe('the factory of a plugin', () => {
  it.each(folders)('%s throws for no options whatever, nor does its check', async folder => {
    const factory = await factoryOf(folder)
    for (const options of [undefined, null, 7, 'text', Symbol('options'), {}]) {
      const made = factory?.(options)
      const problems = made?.check?.() ?? []
      if (options !== undefined && String(options) !== '[object Object]' && made?.check)
        expect(problems).not.toEqual([])
    }
  })

  it('is found for all but what plugins are made of', async () => {
    const without = await Promise.all(folders.map(async folder => ((await factoryOf(folder)) ? [] : [folder])))
    expect(without.flat()).toEqual(['sink/block-store'])
  })
})
