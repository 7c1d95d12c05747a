import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { overlaidState, readOnlyFiles } from '../../src/cli/read-only.ts'
import { fileState, nodeLog } from '../../src/runtime/node.ts'
import { folder } from './world.ts'

const { signal } = new AbortController()
const log = nodeLog({ stream: { write() {} } })

it('read-only files are read and listed, and nothing changes', async () => {
  const root = folder()
  writeFileSync(join(root, 'a'), 'abc')
  const files = readOnlyFiles(root)
  expect(new TextDecoder().decode(await files.read('a', 1, 2))).toBe('bc')
  expect(await files.list('')).toEqual([{ path: 'a', size: 3 }])
  expect(await files.free()).toBeGreaterThan(0)
  await files.writeAtomic('b', new Uint8Array(1), signal)
  await files.rename('a', 'c')
  await files.remove('a')
  expect(readdirSync(root)).toEqual(['a'])
})

it('read-only files do not make a root that is missing', async () => {
  const root = join(folder(), 'not-there')
  const files = readOnlyFiles(root)
  expect([await files.list(''), await files.free()]).toEqual([[], 0])
  await expect(files.read('a', 0, 1)).rejects.toThrow('not-found: file "a" must be there')
  expect(existsSync(root)).toBe(false)
})

it('a read-only state with an overlay sees the disk, and what was set or deleted since, and leaves the disk alone', async () => {
  const root = folder()
  const disk = fileState(root, log)
  await disk.set('a', { n: 1 })
  await disk.set('b', 2)
  writeFileSync(join(root, 'state/.tmp-1'), 'being written by the gateway')
  const state = overlaidState(fileState(root, log, { readOnly: true }))
  expect(await state.get('a')).toEqual({ n: 1 })
  const value = { n: 7 }
  await state.set('a', value)
  value.n = 8
  await state.delete('b')
  expect([await state.get('a'), await state.get('b')]).toEqual([{ n: 7 }, undefined])
  expect(readdirSync(join(root, 'state')).sort()).toEqual(['.tmp-1', 'a.json', 'b.json'])
  expect(readFileSync(join(root, 'state/a.json'), 'utf8')).toBe('{"n":1}')
})

it('a read-only state refuses to write by itself, and makes no folder', async () => {
  const root = folder()
  const state = fileState(root, log, { readOnly: true })
  expect(await state.get('a')).toBe(undefined)
  for (const write of [state.set('a', 1), state.delete('a')]) {
    await expect(write).rejects.toThrow('unsupported: state "a" must not be changed')
  }
  expect(readdirSync(root)).toEqual([])
})
