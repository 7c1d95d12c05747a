/** What each conformance test of ownership plugins is given: a started plugin, and short words for what cases do. */
import type { BlockMeta } from '../../contracts/block.ts'
import { isOwnershipUnavailable } from '../../contracts/errors.ts'
import type { Services } from '../../contracts/host.ts'
import type { Claim, Lease, OwnershipChange, OwnershipPlugin } from '../../contracts/ownership.ts'
import { assert } from '../assert.ts'
import { within } from '../component.ts'
import { settle } from '../fake-host.ts'

/** Registers one case with a plugin of its own. */
export type OwnershipIt = (name: string, fn: (subject: Subject) => Promise<void>) => void

/** A block's answer and epoch before and after change(). */
export interface Changed {
  readonly meta: BlockMeta
  /** `granted`, `denied`, or `unavailable` where ownership is not known. */
  readonly was: string
  readonly is: string
  readonly from: number
  readonly to: number
  /** Whether a change that was told during change() affects the block. */
  readonly affected: boolean
  /** The block's epoch when the last change that affects it was told. */
  readonly told: number | undefined
}

export class Subject {
  readonly plugin: OwnershipPlugin
  readonly services: Services
  /** Of the blocks that are claimed. */
  readonly metas: readonly BlockMeta[]
  readonly #change: (() => Promise<void>) | undefined

  constructor(plugin: OwnershipPlugin, services: Services, metas: readonly BlockMeta[], change?: () => Promise<void>) {
    this.plugin = plugin
    this.services = services
    this.metas = metas
    this.#change = change
  }

  /** `work`, which must end. */
  ends<T>(work: Promise<T>, what: string): Promise<T> {
    return within(this.services.host, work, what)
  }

  claim(meta: BlockMeta): Promise<Claim> {
    return this.ends(this.plugin.claim(meta, new AbortController().signal), `claim() of ${meta.ulid}`)
  }

  claimAll(metas: readonly BlockMeta[] = this.metas): Promise<readonly Claim[]> {
    const { signal } = new AbortController()
    const claims = Promise.all(metas.map(meta => this.plugin.claim(meta, signal)))
    return this.ends(claims, `claim() of ${metas.length} blocks`)
  }

  /** Disposes the leases of all claims that were granted. */
  async giveBack(...claims: readonly (Claim | undefined)[]): Promise<void> {
    for (const lease of granted(claims)) {
      await this.ends((async () => lease[Symbol.asyncDispose]())(), 'the disposal of a lease')
    }
  }

  /** Makes the plugin's answers change, where the options say how. */
  async change(): Promise<void> {
    await this.ends((async () => this.#change?.())(), 'change()')
    await settle()
  }

  watch(told: () => void = () => {}): { readonly watcher: Disposable; readonly changes: readonly OwnershipChange[] } {
    const changes: OwnershipChange[] = []
    const watcher = this.plugin.watch?.(change => {
      changes.push(change)
      told()
    })
    assert(watcher && typeof watcher[Symbol.dispose] === 'function', 'watch() to give a Disposable')
    return { watcher, changes }
  }

  /** Every block before and after change(). */
  async changed(): Promise<readonly Changed[]> {
    const epochs = () => this.metas.map(meta => this.plugin.epoch(meta))
    const seen: number[][] = []
    const { watcher, changes } = this.watch(() => seen.push(epochs()))
    const [was, from] = [await this.#answers(), epochs()]
    const earlier = changes.length
    await this.change()
    const now = changes.length
    const [is, to] = [await this.#answers(), epochs()]
    watcher[Symbol.dispose]()
    return this.metas.map((meta, i) => ({
      ...{ meta, was: was[i] ?? '', is: is[i] ?? '', from: from[i] ?? 0, to: to[i] ?? 0 },
      affected: changes.slice(earlier, now).some(change => change.affects(meta)),
      told: seen[changes.findLastIndex(change => change.affects(meta))]?.[i],
    }))
  }

  /** How each block's claim is answered. The leases are given back. */
  async #answers(): Promise<readonly string[]> {
    const { signal } = new AbortController()
    const ask = async (meta: BlockMeta) => {
      try {
        return await this.plugin.claim(meta, signal)
      } catch (error) {
        if (isOwnershipUnavailable(error)) return undefined
        throw error
      }
    }
    const claims = await this.ends(Promise.all(this.metas.map(ask)), `claim() of ${this.metas.length} blocks`)
    await this.giveBack(...claims)
    return claims.map(claim => claim?.status ?? 'unavailable')
  }
}

export function granted(claims: readonly (Claim | undefined)[]): readonly Lease[] {
  return claims.flatMap(claim => (claim?.status === 'granted' ? [claim.lease] : []))
}
