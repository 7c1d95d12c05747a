/** What was read of every block, in memory and in the state store: a run reads only what the listing shows as new. */
import { type BlockId, codeOf, rawMessageOf, type Services } from 'blockgate'
import { type Known, readDocument, writeDocument } from './known.ts'
import type { Sharing } from './share.ts'

export interface MetaCache {
  /** Reads the documents, at the first call. One that is damaged is logged and counts as empty. */
  load(): Promise<void>
  get(id: BlockId): Known | undefined
  set(known: Known): void
  /** Forgets the blocks that are not in `seen`. */
  retain(seen: ReadonlySet<BlockId>): void
  /** Writes what changed; with `many`, only once that is worth the bytes. A failure is logged, and tried again next time, as is what an abort of `signal` left over. */
  save(when: 'now' | 'many', signal?: AbortSignal): Promise<void>
}

/** New entries that are worth a save in the middle of a run: nearly every document is written again then. */
const MANY = 10_000
/** A document for each last character of a ULID, which is random: 50,000 blocks make documents of about 1 MB. */
const LAST_CHARACTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

export function metaCache({ state, host }: Pick<Services, 'state' | 'host'>, share: Sharing): MetaCache {
  const shards = new Map([...LAST_CHARACTERS].map(last => [last, new Map<BlockId, Known>()]))
  const dirty = new Set<string>()
  let isLoaded = false
  let unsaved = 0
  const shardOf = (id: BlockId) => shards.get(id.charAt(25)) as Map<BlockId, Known>
  const changed = (id: BlockId) => {
    dirty.add(id.charAt(25))
    unsaved++
  }
  const loadShard = async (last: string) => {
    try {
      const document = await state.get(keyOf(last))
      if (document === undefined) return
      const entries = readDocument(document, share)
      if (!entries) host.log.warn('a cache document is damaged: its blocks are read again', { key: keyOf(last) })
      for (const known of entries ?? []) shardOf(known.id).set(known.id, known)
    } catch (error) {
      host.log.warn('a cache document cannot be read: its blocks are read again', fieldsOf(last, error))
    }
  }
  return {
    async load() {
      if (isLoaded) return
      isLoaded = true
      for (const last of shards.keys()) await loadShard(last)
    },
    get: id => shardOf(id).get(id),
    set(known) {
      shardOf(known.id).set(known.id, known)
      changed(known.id)
    },
    retain(seen) {
      for (const shard of shards.values()) {
        for (const id of shard.keys()) {
          if (seen.has(id)) continue
          shard.delete(id)
          changed(id)
        }
      }
    },
    async save(when, signal) {
      if (when === 'many' && unsaved < MANY) return
      unsaved = 0
      for (const last of dirty) {
        if (signal?.aborted) return
        const shard = shards.get(last)
        try {
          if (shard?.size) await state.set(keyOf(last), writeDocument(shard.values()))
          else await state.delete(keyOf(last))
          dirty.delete(last)
        } catch (error) {
          host.log.warn('a cache document cannot be written', fieldsOf(last, error))
        }
      }
    },
  }
}

function keyOf(last: string): string {
  return `metas-${last}`
}

function fieldsOf(last: string, error: unknown): Readonly<Record<string, unknown>> {
  return { key: keyOf(last), code: codeOf(error), error: rawMessageOf(error) }
}
