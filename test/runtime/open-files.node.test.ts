import type { FileHandle } from 'node:fs/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { OpenFiles, type OpenFilesOptions } from '../../src/runtime/disk/open-files.ts'

/** Files that are named by how often they were opened before: `a0`, `a1`. */
function files(options: OpenFilesOptions = {}) {
  const open = new OpenFiles(options)
  const all: string[] = []
  const closed: string[] = []
  const use = (
    path: string,
    work: (name: string) => unknown = () => {},
    before: () => unknown = () => {},
    lasting = true,
  ) =>
    open.use(
      path,
      lasting,
      async () => {
        await before()
        const name = `${path}${all.filter(each => each.slice(0, -1) === path).length}`
        all.push(name)
        return { handle: { name, close: async () => void closed.push(name) } as unknown as FileHandle, size: 1 }
      },
      async ({ handle }) => {
        const { name } = handle as unknown as { name: string }
        expect(closed, 'nobody has a file that is closed').not.toContain(name)
        await work(name)
        expect(closed).not.toContain(name)
        return name
      },
    )
  return { open, all, closed, use }
}

it('a file is opened once, until so many others were read that it is closed', async () => {
  const { open, all, closed, use } = files({ max: 2 })
  for (const path of ['a', 'b', 'a', 'c', 'a', 'b']) await use(path)
  expect([all, closed, open.size]).toEqual([['a0', 'b0', 'c0', 'b1'], ['b0', 'c0'], 2])
})

it('one that is forgotten is closed when its last reader has it no more, and opened anew for the next one', async () => {
  const { open, closed, use } = files()
  const gate = Promise.withResolvers<void>()
  const readers = [use('d/a', () => gate.promise), use('d/a', () => gate.promise)]
  await use('d/ab')
  await use('da')
  open.forget('d/a')
  expect(await use('d/a')).toBe('d/a2')
  expect(closed, 'the one that lost the race').toEqual([])
  gate.resolve()
  await Promise.all(readers)
  expect(closed.sort()).toEqual(['d/a0', 'd/a1'])
  open.forget('d')
  expect(closed.sort()).toEqual(['d/a0', 'd/a1', 'd/a2', 'd/ab0'])
  expect(open.size).toBe(1)
})

it('one that was opened while something was forgotten is read once, and not kept', async () => {
  const { open, closed, use } = files()
  expect(await use('a', undefined, () => open.forget('a'))).toBe('a0')
  expect([closed, open.size]).toEqual([['a0'], 0])
})

it('one that others may change is opened by each reader, and closed', async () => {
  const { open, all, closed, use } = files()
  await use('a')
  for (const name of ['a1', 'a2']) expect(await use('a', undefined, undefined, false)).toBe(name)
  expect([all, closed, open.size]).toEqual([['a0', 'a1', 'a2'], ['a1', 'a2'], 1])
})

it('what fails is closed as well, and told', async () => {
  const { open, closed, use } = files({ max: 1 })
  const failing = () => Promise.reject(new Error('the disk is gone'))
  await expect(use('a', failing)).rejects.toThrow('the disk is gone')
  await expect(use('b', undefined, failing)).rejects.toThrow('the disk is gone')
  expect([closed, open.size]).toEqual([[], 1])
})

it('files that nobody reads any more are closed after a while', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { open, closed, use } = files({ idleMs: 1_000 })
  const gate = Promise.withResolvers<void>()
  await use('a')
  const reading = use('b', () => gate.promise)
  await vi.advanceTimersByTimeAsync(900)
  await use('c')
  await vi.advanceTimersByTimeAsync(1_000)
  await use('c')
  await vi.advanceTimersByTimeAsync(1_000)
  expect([closed, open.size]).toEqual([['a0'], 2])
  gate.resolve()
  await reading
  await vi.advanceTimersByTimeAsync(2_000)
  expect([closed.sort(), open.size, vi.getTimerCount()]).toEqual([['a0', 'b0', 'c0'], 0, 0])
})
