/** Who serves what, as last read: a copy of the other members' claims, read again only where they changed. */
import { eachBounded } from '../async/each.ts'
import type { BlockId } from '../contracts/block.ts'
import type { MembersView } from './view.ts'

/** Claims of this many members are read at once. */
const READS = 4

interface Entry {
  /** Of the claims that were read; undefined until a read of this incarnation succeeded. */
  version: string | undefined
  readonly incarnation: number
  ids: ReadonlySet<BlockId>
}

export class Replica {
  readonly #members = new Map<string, Entry>()

  /** False for members that are down, and for those whose claims were not read yet. */
  serves(member: string, id: BlockId): boolean {
    return this.#members.get(member)?.ids.has(id) ?? false
  }

  /** Reads what has changed since the last time. What cannot be read stays as it was, and is read the next time. Never rejects. */
  async refresh(view: MembersView, me: string, read: (member: string) => Promise<ReadonlySet<BlockId>>): Promise<void> {
    const changed: { readonly id: string; readonly entry: Entry; readonly version: string }[] = []
    for (const id of this.#members.keys()) if (!view.live.has(id)) this.#members.delete(id)
    for (const id of view.live) {
      const heartbeat = view.heartbeats.heartbeats.get(id)
      if (id === me || heartbeat?.incarnation !== view.member(id)?.incarnation || heartbeat === undefined) continue
      let entry = this.#members.get(id)
      // What another process of this id served says nothing about this one.
      if (entry?.incarnation !== heartbeat.incarnation)
        entry = { version: undefined, incarnation: heartbeat.incarnation, ids: new Set() }
      this.#members.set(id, entry)
      // With the store's id: a store that was emptied counts from the beginning again.
      const version = `${heartbeat.storeId} ${heartbeat.claims}`
      if (entry.version !== version) changed.push({ id, entry, version })
    }
    await eachBounded(changed, READS, async ({ id, entry, version }) => {
      try {
        entry.ids = await read(id)
        // The claims may be newer than the heartbeat: then they are read once more, never once too seldom.
        entry.version = version
      } catch {
        // The calls have said and counted it; the version is still the old one.
      }
    })
  }
}
