/** All blocks of a catalogue, to bytes and back. */
import { blockIdTime, type Host, inSlices, pause, sortInSlices } from 'blockgate'
import { ColumnsReader, ColumnsWriter } from './columns.ts'
import { type Entry, isWritable, LabelSets, readEntry, writeEntry } from './entry.ts'
import { seal, unseal } from './sealed.ts'

const PAGE = 1_000

/** The object; blocks that have no place in it are left out. `listed`: when the listing began that it is of, ms since the epoch. */
export async function pack(host: Host, entries: readonly Entry[], listed: number): Promise<Uint8Array> {
  const sorted = await sortInSlices(host, entries, ([a], [b]) => (a.meta.ulid < b.meta.ulid ? -1 : 1))
  const columns = new ColumnsWriter()
  let before = 0
  let blocks = 0
  await inSlices(host, sorted, entry => {
    if (!isWritable(entry)) return
    writeEntry(columns, entry, before)
    before = blockIdTime(entry[0].meta.ulid)
    blocks++
  })
  return await seal(columns.bytes(), { listed, blocks })
}

/** What an object says. */
export interface Unpacked {
  readonly listed: number
  readonly blocks: number
  /** 1,000 blocks each; each block is made when its page is taken. Throws `catalogue-corrupt` where the columns end before. */
  pages(): AsyncGenerator<readonly Entry[], { readonly wrong: number }, undefined>
}

/** @throws BlockgateError as `unseal` */
export async function unpack(host: Host, object: Uint8Array, limit: number): Promise<Unpacked> {
  const { columns, listed, blocks } = await unseal(object, limit)
  const reader = new ColumnsReader(columns)
  return {
    listed,
    blocks,
    async *pages() {
      const labels = new LabelSets(reader.texts)
      let made = 0
      let wrong = 0
      let page: Entry[] = []
      let last = ''
      for (let at = 0; at < blocks; at++) {
        made += reader.from.time.count()
        const entry = readEntry(reader, labels, made)
        const id = entry?.[0].meta.ulid ?? ''
        // In order, so that none comes twice.
        if (entry && id > last) page.push(entry)
        else wrong++
        if (id > last) last = id
        if (at % 16 === 15) await pause(host)
        if (page.length < PAGE) continue
        yield page
        page = []
      }
      if (page.length > 0) yield page
      return { wrong }
    },
  }
}
