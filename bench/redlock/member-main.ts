/** Runs as a process of its own: a member that joins when its parent sends what it is to be, and ends with its parent. */
import { type MemberInput, startMember } from './member.ts'

process.on('disconnect', () => process.exit())
process.once('message', async input => {
  await startMember(input as MemberInput)
  process.send?.('joined')
})
process.send?.('ready')
