/** A bucket that shows objects and no block. Mostly its blocks lie in a folder, and the config gives no prefix. */
import { isBlockId, type ListPage } from 'blockgate'

const MAX_KEY = 200
/** A volume has this folder even when it is empty. */
const VOLUME = 'lost+found/'

/** What the pages of a listing showed. */
export class Shown {
  #keys = 0
  #noun = 'object'
  #isMore = false
  #first: string | undefined
  #inFolder: string | undefined
  #unreadable: string | undefined

  see({ objects, prefixes, unreadable = [], cursor }: ListPage): void {
    const bad = unreadable.filter(({ key }) => key !== VOLUME)
    this.#keys += objects.length + prefixes.length + bad.length
    if (prefixes.length > 0 || bad.length > 0) this.#noun = 'key'
    this.#isMore = cursor !== undefined
    this.#first ??= objects[0]?.key ?? prefixes[0]
    this.#unreadable ??= bad[0]?.key
    this.#inFolder ??= objects.find(({ key }) => folderOfBlocks(key) !== undefined)?.key
  }

  /**
   * Why there is no block, and what to do, one sentence; undefined where there is nothing at all. `options` are the bucket's, whose
   * `prefix` is in no key that it lists.
   */
  cause(options: unknown): string | undefined {
    const given = prefixOf(options)
    const example = this.#inFolder ?? this.#first
    if (example === undefined) {
      if (this.#unreadable) return `nothing but what cannot be read, such as ${quoted(this.#unreadable)}`
      if (!given) return undefined
      return `nothing lies below the bucket's prefix ${quoted(given)}: it must be the folder of the folders <ULID>/`
    }
    const below = folderOfBlocks(example) ?? '<folder>'
    const count = `${this.#isMore ? 'at least ' : ''}${this.#keys} ${this.#noun}${this.#keys === 1 ? '' : 's'}`
    const prefix = quoted(given ? `${given}/${below}` : below)
    return `${count} such as ${quoted(example)}, and no block: blocks must lie in folders <ULID>/ at the root, or below the bucket's prefix: give it one, such as prefix: ${prefix}`
  }
}

/** `team-a` of `team-a/01H…/meta.json`. */
function folderOfBlocks(key: string): string | undefined {
  const parts = key.split('/')
  const at = parts.findIndex(isBlockId)
  return at > 0 ? parts.slice(0, at).join('/') : undefined
}

function prefixOf(options: unknown): string | undefined {
  const prefix = (options as { readonly prefix?: unknown } | undefined)?.prefix
  return typeof prefix === 'string' ? prefix.replace(/\/$/, '') : undefined
}

function quoted(key: string): string {
  return JSON.stringify(key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…` : key)
}
