/** Calls to the file system are made at once while they are quick, and leave the event loop its turns. */
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Pace } from '../../../plugins/bucket/fs/pace.ts'

const EXT4 = 0xef53
const NFS = 0x6969

/** A pace whose calls take so many ms each, and how each of them was made. */
function paced(...took: readonly number[]) {
  const host = fakeHost()
  let time = 0
  const left = [...took]
  const how: string[] = []
  const pace = new Pace()
  const step = (name: string) => {
    how.push(name)
    time += left.shift() ?? 0
    return how.length
  }
  pace.begin({ ...host, monotonic: () => time }, EXT4)
  const call = () =>
    pace.call(
      () => step('now'),
      async () => step('later'),
    )
  return {
    pace,
    how,
    call,
    many: async (count: number) => void (await Promise.all(Array.from({ length: count }, call))),
  }
}

describe('a call', () => {
  it('is made at once, and goes to the thread pool once the event loop has waited for 2 ms', async () => {
    const { how, call } = paced(0.5, 0.5, 0.5, 0.5, 0.1, 0, 0)
    for (let i = 0; i < 7; i++) expect(await call()).toBe(i + 1)
    expect(how).toEqual(['now', 'now', 'now', 'now', 'now', 'later', 'now'])
  })

  it('goes to the thread pool 64 times after one that was slow', async () => {
    const { how, many, call } = paced(0.6)
    await call()
    await many(65)
    expect(how).toEqual(['now', ...Array.from({ length: 64 }, () => 'later'), 'now'])
  })

  it.each([NFS, undefined])('goes to the thread pool on a file system of type %s', async type => {
    const { pace, how, many } = paced()
    pace.begin(fakeHost(), type)
    await many(3)
    expect(how).toEqual(['later', 'later', 'later'])
  })

  it.each(['now', 'later'])('rejects with what it throws: %s', async way => {
    const pace = new Pace()
    if (way === 'now') pace.begin(fakeHost(), EXT4)
    const gone = () => {
      throw new Error(`gone ${way}`)
    }
    const other = () => Promise.reject(new Error('not this one'))
    await expect(
      way === 'now'
        ? pace.call(gone, other)
        : pace.call(
            () => 1,
            async () => gone(),
          ),
    ).rejects.toThrow(`gone ${way}`)
  })
})
