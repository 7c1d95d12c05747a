/**
 * What the story must be, read and found right by a person: 15 blocks, as README.md of examples/quickstart tells them. Six are added; the
 * other two that nothing is wrong with are the one that is denied and the one that is broken.
 */
import type { Story } from './story.ts'

export const EXPECTED: Story = {
  outcomes: {
    '01M82F4TV5KS1VYMEACTGJ6Y3Q': 'skipped time-range time-excluded',
    '01M82F4VP8XPT1YR4B8XZJGD0T': 'skipped time-range time-excluded',
    '01M82F4VYE820537ND9AFJSSVJ': 'skipped not-deleted marked-for-deletion',
    '01M82F4TX5ZT130K05JKC3KJY6': 'skipped dedup duplicate',
    '01M82F4V1KFE99C9W1MH5YWA1N': 'skipped dedup duplicate',
    '01M82F4VDCKV5P1AE8TY1JYT42': 'added',
    '01M82F4V9BTFYFEC6GPQAEZV4A': 'added',
    '01M82F4V7QRSS3ZXX5B79WSYB8': 'added',
    '01M82F4VWX38GAYXSEWX502330': 'added',
    '01M82F4V503551737ZN8E730F7': 'added',
    '01M82F4VSVSEGMTRS010WXKD6N': 'added',
    '01M82F6PPKPCYJMTRGKGY7ENZS': 'skipped owned not-owner',
    '01M82F4VQM6SD9EGRVYX8CY5E5': 'failed memory',
  },
  tree: `
sync.run
  source.scan-bucket
    bucket.list
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
    bucket.get
  set.dedup
  set.newest-first
sync.block block.id=01M82F4VZX6D8RGEKE0HPYTSKH block.outcome=skipped block.outcome.reason=no-meta-json ~> sync.run
sync.block block.id=01M82F4W1AJPQ8W3SMHJ86ECVW block.outcome=failed error.type=corrupted-meta-json ~> sync.run !error
sync.block block.id=01M82F4TV5KS1VYMEACTGJ6Y3Q block.outcome=skipped block.outcome.reason=time-excluded ~> sync.run
  block.time-range block.outcome=skipped block.outcome.reason=time-excluded
sync.block block.id=01M82F4VP8XPT1YR4B8XZJGD0T block.outcome=skipped block.outcome.reason=time-excluded ~> sync.run
  block.time-range block.outcome=skipped block.outcome.reason=time-excluded
sync.block block.id=01M82F4VYE820537ND9AFJSSVJ block.outcome=skipped block.outcome.reason=marked-for-deletion ~> sync.run
  block.time-range block.outcome=skipped
    block.consistency-delay block.outcome=skipped
      block.not-deleted block.outcome=skipped block.outcome.reason=marked-for-deletion
sync.block block.id=01M82F4TX5ZT130K05JKC3KJY6 block.outcome=skipped block.outcome.reason=duplicate ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
sync.block block.id=01M82F4V1KFE99C9W1MH5YWA1N block.outcome=skipped block.outcome.reason=duplicate ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
sync.block block.id=01M82F4VDCKV5P1AE8TY1JYT42 block.outcome=added ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=added
    ownership.claim ownership.status=granted
    block.memory block.outcome=added
      bucket.get
sync.block block.id=01M82F4V9BTFYFEC6GPQAEZV4A block.outcome=added ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=added
    ownership.claim ownership.status=granted
    block.memory block.outcome=added
      bucket.get
sync.block block.id=01M82F4V7QRSS3ZXX5B79WSYB8 block.outcome=added ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=added
    ownership.claim ownership.status=granted
    block.memory block.outcome=added
      bucket.get
sync.block block.id=01M82F4VWX38GAYXSEWX502330 block.outcome=added ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=added
    ownership.claim ownership.status=granted
    block.memory block.outcome=added
      bucket.get
sync.block block.id=01M82F4V503551737ZN8E730F7 block.outcome=added ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=added
    ownership.claim ownership.status=granted
    block.memory block.outcome=added
      bucket.get
sync.block block.id=01M82F4VSVSEGMTRS010WXKD6N block.outcome=added ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=added
    ownership.claim ownership.status=granted
    block.memory block.outcome=added
      bucket.get
sync.block block.id=01M82F6PPKPCYJMTRGKGY7ENZS block.outcome=skipped block.outcome.reason=not-owner ~> sync.run
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=skipped block.outcome.reason=not-owner
    ownership.claim ownership.status=denied
sync.block block.id=01M82F4VQM6SD9EGRVYX8CY5E5 block.outcome=failed error.type=corrupt-block ~> sync.run !error
  block.time-range block.outcome=passed
    block.consistency-delay block.outcome=passed
      block.not-deleted block.outcome=passed
  block.owned block.outcome=failed
    ownership.claim ownership.status=granted
    block.memory block.outcome=failed error.type=corrupt-block !error
      bucket.get`.slice(1),
}
