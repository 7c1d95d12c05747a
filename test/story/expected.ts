/**
 * What the story must be, read and found right by a person: 15 blocks, as README.md of examples/quickstart tells them. Six are added; the
 * other two that nothing is wrong with are the one that is denied and the one that is broken.
 */
import type { Story } from './story.ts'

/** ULIDs without what nearly all have in common. */
const ADDED = [
  ...['VDCKV5P1AE8TY1JYT42', 'V9BTFYFEC6GPQAEZV4A', 'V7QRSS3ZXX5B79WSYB8'],
  ...['VWX38GAYXSEWX502330', 'V503551737ZN8E730F7', 'VSVSEGMTRS010WXKD6N'],
]
const EXCLUDED = ['TV5KS1VYMEACTGJ6Y3Q', 'VP8XPT1YR4B8XZJGD0T']
const DUPLICATES = ['TX5ZT130K05JKC3KJY6', 'V1KFE99C9W1MH5YWA1N']
const MARKED = 'VYE820537ND9AFJSSVJ'
const NO_META = 'VZX6D8RGEKE0HPYTSKH'
const BAD_META = 'W1AJPQ8W3SMHJ86ECVW'
const BROKEN = 'VQM6SD9EGRVYX8CY5E5'
/** Of another minute: a whole ULID. */
const DENIED = '01M82F6PPKPCYJMTRGKGY7ENZS'

const ulid = (end: string) => (end === DENIED ? end : `01M82F4${end}`)
const each = (ends: readonly string[], outcome: string) => ends.map(end => [ulid(end), outcome])

/** The trace of a block: what its root span says, and the lines below it. */
const trace = (end: string, name: string, outcome: string, ...lines: readonly string[]) => {
  const [said, error = ''] = outcome.split(' !')
  return [
    `block ${name} block.id=${ulid(end)} block.outcome=${said} ~> sync.run${error && ` !${error}`}`,
    ...lines.map(line => line.replace('ULID', ulid(end))),
  ]
}
const skipped = (end: string, reason: string, ...lines: readonly string[]) =>
  trace(
    end,
    `skipped ${reason}`,
    `skipped block.outcome.reason=${reason}${reason === 'not-owner' ? ' ownership.status=denied' : ''}`,
    ...lines,
  )
const failed = (end: string, code: string, ...lines: readonly string[]) =>
  trace(end, `failed ${code}`, `failed block.outcome.reason=${code} error.type=${code} !error`, ...lines)

/** The filters let it go on. */
const PASSED = [
  '  block.time-range block.outcome=passed',
  '    block.consistency-delay block.outcome=passed',
  '      block.not-deleted block.outcome=passed',
]
const loaded = (outcome: string, error = '') => [
  ...PASSED,
  `  block.owned block.outcome=${outcome}`,
  '    ownership.claim ownership.status=granted',
  `    block.memory block.outcome=${outcome}${error}`,
  '      bucket.get block.id=ULID',
]

const BLOCKS: readonly string[] = [
  ...skipped(NO_META, 'no-meta-json'),
  ...failed(BAD_META, 'corrupted-meta-json'),
  ...EXCLUDED.flatMap(end =>
    skipped(end, 'time-excluded', '  block.time-range block.outcome=skipped block.outcome.reason=time-excluded'),
  ),
  ...skipped(MARKED, 'marked-for-deletion', '  block.time-range block.outcome=skipped'),
  '    block.consistency-delay block.outcome=skipped',
  '      block.not-deleted block.outcome=skipped block.outcome.reason=marked-for-deletion',
  ...DUPLICATES.flatMap(end => skipped(end, 'duplicate', ...PASSED)),
  ...ADDED.flatMap(end => trace(end, 'added', 'added', ...loaded('added'))),
  ...skipped(DENIED, 'not-owner', ...PASSED, '  block.owned block.outcome=skipped block.outcome.reason=not-owner'),
  '    ownership.claim block.outcome.reason=not-owner ownership.status=denied',
  ...failed(BROKEN, 'corrupt-block', ...loaded('failed', ' error.type=corrupt-block !error')),
]

/** Every meta.json but the one that is missing, then the deletion mark. */
const READ = [...EXCLUDED, ...DUPLICATES, ...ADDED, BAD_META, BROKEN, DENIED, MARKED].map(ulid).sort()
/** It is linked to its blocks, in the order of their verdicts. */
const TOLD = BLOCKS.filter(line => line.startsWith('block ')).map(line => line.slice(0, line.indexOf(' block.id')))
const RUN = [
  ...[`sync.run ~> ${TOLD.join(', ')}`, '  source.scan-bucket', '    bucket.list'],
  ...[...READ, ulid(MARKED)].map(id => `    bucket.get block.id=${id}`),
  ...['  set.dedup', '  set.newest-first'],
]

export const EXPECTED: Story = {
  outcomes: Object.fromEntries([
    ...each(EXCLUDED, 'skipped time-range time-excluded'),
    ...each([MARKED], 'skipped not-deleted marked-for-deletion'),
    ...each(DUPLICATES, 'skipped dedup duplicate'),
    ...each(ADDED, 'added'),
    ...each([DENIED], 'skipped owned not-owner'),
    ...each([BROKEN], 'failed memory'),
  ]),
  tree: [...RUN, ...BLOCKS].join('\n'),
}
