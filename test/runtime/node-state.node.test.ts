import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { fileState } from '../../src/runtime/node.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()

function store(dir = folder()) {
  const host = fakeHost()
  return { dir, lines: host.lines, state: fileState(dir, host.log), names: () => readdir(join(dir, 'state')) }
}

describe('fileState', () => {
  it('keeps documents over a restart, each in a file of its own', async () => {
    const { dir, state, names } = store()
    expect(await state.get('tokens')).toBeUndefined()
    await state.set('tokens', { a: [1, null, 'ü'] })
    await state.set('scan-bucket/metas', 0)
    const again = store(dir).state
    expect(await again.get('tokens')).toEqual({ a: [1, null, 'ü'] })
    expect(await again.get('scan-bucket/metas')).toBe(0)
    await again.delete('tokens')
    await again.delete('never')
    expect(await again.get('tokens')).toBeUndefined()
    expect(await names()).toEqual(['scan-bucket%2fmetas.json'])
  })

  it.each([
    ['', '.json'],
    ['../../etc/passwd', '%2e%2e%2f%2e%2e%2fetc%2fpasswd.json'],
    ['/a\\b\0', '%2fa%5cb%00.json'],
    ['A~.', '%41%7e%2e.json'],
    ['ü', '%c3%bc.json'],
  ])('the key %j is safe as a file name', async (key, name) => {
    const { state, names } = store()
    await state.set(key, key)
    expect(await names()).toEqual([name])
    expect(await state.get(key)).toBe(key)
  })

  it('keys that differ never share a file: by case, by escape, or far behind the longest name', async () => {
    const { state, names } = store()
    const long = 'x'.repeat(5000)
    const keys = ['a', 'A', '%41', '%2541', long, `${long}y`, `${'x'.repeat(85)}~`]
    for (const key of keys) await state.set(key, key)
    for (const key of keys) expect(await state.get(key)).toBe(key)
    const lower = (await names()).map(name => name.toLowerCase())
    expect(new Set(lower).size).toBe(keys.length)
    expect(Math.max(...lower.map(name => name.length))).toBeLessThan(200)
  })

  it('a key that is no text and a value that is no JSON are refused', async () => {
    const { state } = store()
    await expect(state.set('\ud800', 1)).rejects.toMatchObject({ code: 'invalid-key' })
    await expect(state.set('a', undefined)).rejects.toMatchObject({
      rawMessage: 'state "a" must be JSON: current value is undefined',
    })
    expect(await state.get('a')).toBeUndefined()
  })

  it('a damaged document reads as undefined, with a warning, and can be written again', async () => {
    const { state, dir, lines } = store()
    await state.set('a', { n: 1 })
    await writeFile(join(dir, 'state/a.json'), '{"n":')
    expect(await state.get('a')).toBeUndefined()
    expect(lines).toMatchObject([{ level: 'warn', fields: { key: 'a' } }])
    await state.set('a', 2)
    expect(await state.get('a')).toBe(2)
    expect(lines).toHaveLength(1)
  })

  it('writes of one key take effect in the order of the calls, and a get sees those before it', async () => {
    const { state, dir } = store()
    const value = { n: 0 }
    const reads: Promise<unknown>[] = []
    const writes: Promise<void>[] = []
    for (let n = 1; n <= 20; n++) {
      value.n = n
      writes.push(state.set('a', value))
      reads.push(state.get('a'))
    }
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 20 }, (_, i) => ({ n: i + 1 })))
    await Promise.all(writes)
    expect(await readFile(join(dir, 'state/a.json'), 'utf8')).toBe('{"n":20}')
  })

  it('a write that fails does not hold up the next one', async () => {
    const { state, dir } = store()
    await mkdir(join(dir, 'state/a.json/x'), { recursive: true })
    const first = state.set('a', 1)
    const second = state.set('b', 2)
    const third = state.delete('a').catch(() => 'failed too')
    await expect(first).rejects.toMatchObject({ code: 'disk-failed' })
    await second
    expect(await third).toBe('failed too')
    expect(await state.get('b')).toBe(2)
  })

  it('what a process that died was writing is removed', async () => {
    const { state, dir, names } = store()
    await mkdir(join(dir, 'state'))
    await writeFile(join(dir, 'state/.tmp-a.json-0123456789ab'), '{"n"')
    await state.set('b', 1)
    expect(await names()).toEqual(['b.json'])
  })
})
