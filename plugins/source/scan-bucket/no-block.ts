/** A bucket that shows objects and no block: mostly its blocks lie in a folder, and the bucket was given no prefix. */
import { isBlockId, type ListPage } from 'blockgate'
import type { ListPages } from './list.ts'

export interface Shown {
  /** The same listing, counted. */
  readonly list: ListPages
  /** What was shown, and what to do, one sentence; undefined where there was nothing. */
  cause(): string | undefined
}

const MAX_KEY = 200
/** At the root of a volume that is empty otherwise. */
const VOLUME = 'lost+found/'

/** `options`: the bucket's, whose `prefix` is in no key that it lists. */
export function shown(list: ListPages, options: unknown): Shown {
  const given = prefixOf(options)
  let keys = 0
  let isMore = false
  let noun = 'object'
  let first: string | undefined
  let inFolder: string | undefined
  let refused: string | undefined
  const see = ({ objects, prefixes, unreadable = [], cursor }: ListPage) => {
    const bad = unreadable.filter(({ key }) => key !== VOLUME)
    keys += objects.length + prefixes.length + bad.length
    if (prefixes.length > 0 || bad.length > 0) noun = 'key'
    isMore = cursor !== undefined
    first ??= objects[0]?.key ?? prefixes[0]
    refused ??= bad[0]?.key
    inFolder ??= objects.find(({ key }) => folderOfBlocks(key) !== undefined)?.key
  }
  return {
    async list(...asked) {
      const page = await list(...asked)
      see(page)
      return page
    },
    cause() {
      const example = inFolder ?? first
      if (example === undefined) {
        if (refused !== undefined) return `nothing but what cannot be read, such as ${quoted(refused)}`
        return (
          given &&
          `nothing lies below the bucket's prefix ${quoted(given)}: it must be the folder of the folders <ULID>/`
        )
      }
      const below = folderOfBlocks(example) ?? '<folder>'
      const prefix = given ? `${given}/${below}` : below
      const what = `${isMore ? 'at least ' : ''}${keys} ${noun}${keys === 1 ? '' : 's'} such as ${quoted(example)}`
      return `${what}, and no block: blocks must lie in folders <ULID>/ at the root, or below the bucket's prefix: give it one, such as prefix: ${quoted(prefix)}`
    },
  }
}

/** `team-a` of `team-a/01H…/meta.json`. */
function folderOfBlocks(key: string): string | undefined {
  const parts = key.split('/')
  const at = parts.findIndex(isBlockId)
  return at > 0 ? parts.slice(0, at).join('/') : undefined
}

function prefixOf(options: unknown): string | undefined {
  const { prefix } = (typeof options === 'object' && options !== null ? options : {}) as { readonly prefix?: unknown }
  return typeof prefix === 'string' && prefix !== '' ? prefix.replace(/\/$/, '') : undefined
}

function quoted(key: string): string {
  return JSON.stringify(key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…` : key)
}
