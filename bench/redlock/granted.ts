/** Whether somebody may load the blocks of some slots. */
import { type BlockMeta, isOwnershipUnavailable, type OwnershipPlugin } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { slotOf } from '../../plugins/ownership/redlock/slots.ts'

const { signal } = new AbortController()

/** One block of each of these slots. */
export function blocksOf(wanted: ReadonlySet<number>, slots: number): readonly BlockMeta[] {
  const found = new Map<number, BlockMeta>()
  for (let i = 1; found.size < wanted.size; i++) {
    const ulid = testId(i, i)
    const slot = slotOf(ulid, slots)
    if (wanted.has(slot) && !found.has(slot)) found.set(slot, blockMeta({ ulid }))
  }
  return [...found.values()]
}

/** Stops at the first block that none of them is granted. */
export async function allGranted(members: readonly OwnershipPlugin[], blocks: readonly BlockMeta[]): Promise<boolean> {
  for (const block of blocks) {
    const granted = await Promise.all(members.map(member => isGranted(member, block)))
    if (!granted.includes(true)) return false
  }
  return true
}

async function isGranted(member: OwnershipPlugin, block: BlockMeta): Promise<boolean> {
  try {
    return (await member.claim(block, signal)).status === 'granted'
  } catch (error) {
    if (isOwnershipUnavailable(error)) return false
    throw error
  }
}
