import { describe, expect, it } from 'vitest'
import { Flights } from '../../src/query/flights.ts'

const forever = new AbortController().signal

/** A file whose bytes are their offsets; each read ends when it is told to. */
function slowFile() {
  const flights = new Flights()
  const reads: { readonly end: PromiseWithResolvers<void>; readonly signal: AbortSignal }[] = []
  const read = (offset: number, end: number, signal: AbortSignal = forever, file = 'a') =>
    flights.read(
      file,
      { offset, end },
      async shared => {
        const mine = Promise.withResolvers<void>()
        reads.push({ end: mine, signal: shared })
        shared.addEventListener('abort', () => mine.reject(shared.reason))
        await mine.promise
        return Uint8Array.from({ length: end - offset }, (_, i) => offset + i)
      },
      signal,
    )
  return { flights, reads, read }
}

describe('a read that is under way', () => {
  it('is that of all who ask for bytes that it covers, and of nobody else', async () => {
    const { flights, reads, read } = slowFile()
    const all = [read(10, 20), read(10, 20), read(12, 15), read(12, 21), read(9, 12), read(10, 20, forever, 'b')]
    expect(reads).toHaveLength(4)
    for (const { end } of reads) end.resolve()
    const bytes = (await Promise.all(all)).map(part => [...part])
    expect(bytes[2]).toEqual([12, 13, 14])
    expect(bytes[1]).toEqual(bytes[0])
    expect(bytes.map(({ length }) => length)).toEqual([10, 10, 3, 9, 3, 10])
    expect(flights.size).toBe(0)
  })

  it('goes on for the others when the one who began it goes, and ends when the last one goes', async () => {
    const { flights, reads, read } = slowFile()
    const [first, second] = [new AbortController(), new AbortController()]
    const gone = new Error('the client has gone')
    const [mine, theirs] = [read(0, 5, first.signal), read(1, 2, second.signal)]
    first.abort(gone)
    await expect(mine).rejects.toBe(gone)
    expect(reads[0]?.signal.aborted).toBe(false)
    // Whoever comes now still joins.
    const late = read(0, 5)
    expect(reads).toHaveLength(1)
    reads[0]?.end.resolve()
    expect([...(await theirs)], 'the bytes of the one that stayed').toEqual([1])
    expect(await late).toHaveLength(5)

    const alone = read(0, 5, second.signal)
    second.abort(gone)
    await expect(alone).rejects.toBe(gone)
    expect(reads[1]?.signal.aborted).toBe(true)
    const anew = read(0, 5)
    expect(reads, 'one that nobody waited for is not joined').toHaveLength(3)
    reads[2]?.end.resolve()
    expect(await anew).toHaveLength(5)
    expect(flights.size).toBe(0)
  })

  it('fails for all who wait, and is not remembered', async () => {
    const { flights, reads, read } = slowFile()
    const both = [read(0, 5), read(0, 5)]
    reads[0]?.end.reject(new Error('the store is gone'))
    for (const one of both) await expect(one).rejects.toThrow('the store is gone')
    expect(flights.size).toBe(0)
    const again = read(0, 5)
    reads[1]?.end.resolve()
    expect(await again).toHaveLength(5)
  })

  it('is not begun for one who has gone already', async () => {
    const { reads, read } = slowFile()
    await expect(read(0, 5, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(reads).toEqual([])
  })
})
