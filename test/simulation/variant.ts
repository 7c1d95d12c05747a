/** Where the real code can be bent from outside: product code carries no flags for it. */
import type { OwnershipPlugin, SetStage } from 'blockgate'
import type { MemberStore, MemberTable, MemberTableOptions } from 'blockgate/members'
import type { Running } from './running.ts'

export interface Variant {
  readonly name: string
  readonly table?: (options: MemberTableOptions) => MemberTable
  readonly store?: (store: MemberStore, running: Running) => MemberStore
  readonly plugin?: (plugin: OwnershipPlugin, running: Running) => OwnershipPlugin
  readonly stages?: () => readonly SetStage[]
}

/** Nothing is bent. */
export const SOUND: Variant = { name: 'sound' }
