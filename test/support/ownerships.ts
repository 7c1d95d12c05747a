/** The ownership plugins over a member store, each as a cluster of gateways on one fake host has it: what is told of one is told of all. */
import type { Host, OwnershipPlugin } from 'blockgate'
import type { MemberOptions, SlotStore } from 'blockgate/members'
import { hashRing, type Placement, rendezvous, tokenRing } from 'blockgate/plugins/ownership/hash-ring'

/** The options that all of them have, less the store. */
export type SharedOptions = MemberOptions

export interface ClusterOwnership {
  /** The plugin of one gateway of the cluster. */
  make(member: string, store: SlotStore, options: SharedOptions): OwnershipPlugin
}

export interface Ownership {
  readonly name: string
  /** Owners follow from who is a member: whoever comes back has what it had. */
  readonly hashed: boolean
  /** For one cluster whose gateways live on `host`. */
  cluster(host: Host): ClusterOwnership
}

const ring = (placement: () => Placement): Ownership => ({
  name: `hash-ring with ${placement().name}`,
  hashed: true,
  cluster: () => ({ make: (_, store, options) => hashRing({ store, placement: placement(), ...options }) }),
})

export const RINGS: readonly Ownership[] = [ring(rendezvous), ring(() => tokenRing())]
