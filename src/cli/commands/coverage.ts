/** `blockgate coverage --min N`: whether every block is served by enough gateways. */
import type { Host } from '../../contracts/host.ts'
import { countOf, countText } from '../../contracts/text.ts'
import { type Offered, offered } from '../../explain/offered.ts'
import type { Painter } from '../../runtime/terminal/text.ts'
import { type Command, print } from '../command.ts'
import { advertisedBlocks, type Coverage, coverageOf } from '../coverage.ts'
import { ExitCode, usageError } from '../exit.ts'
import { isBeforeSink, withOperator } from '../observer.ts'
import { table } from '../text.ts'
import { until } from '../until.ts'

/** How often the bucket is listed again while it waits: a compaction may have changed which blocks there are. */
const LIST_AGAIN_MS = 60_000

export const coverage: Command = {
  name: 'coverage',
  summary: 'say whether enough gateways serve every block',
  options: ['config', 'json', 'min', 'wait'],
  details: [
    'Lists the bucket, takes every block through the pipeline of the config up to owned(), and asks the member store who serves',
    'it: members that are up and ready, also those that drain. A block that a compacted one supersedes has the copies of that',
    'one, where they are more. Exits with 0 where each block has at least --min of them, with --wait also where that comes',
    'true within the time; else with 1, also where the bucket could not be seen whole.',
  ],
  examples: ['blockgate coverage --min 2', 'blockgate coverage --min 2 --wait 10m --json'],
  async run(args, io) {
    const { min, wait = 0 } = args
    if (min === undefined) throw usageError('coverage needs --min, how many live members must serve each block')
    const told = await withOperator(
      args,
      io,
      ({ config, host, operator }) => {
        const { signal } = new AbortController()
        const list = remembered(host, () => offered({ ...config, host }, signal))
        const ask = async () => coverageOf(await list(), await advertisedBlocks(operator), min)
        return until(host, wait, ask, ({ holds }) => holds)
      },
      isBeforeSink,
    )
    print(args, io, told, text)
    return told.holds ? ExitCode.ok : ExitCode.findings
  },
}

/** A complete listing is used again for LIST_AGAIN_MS. */
function remembered(host: Host, list: () => Promise<Offered>): () => Promise<Offered> {
  let last: { readonly seen: Offered; readonly at: number } | undefined
  return async () => {
    if (!last?.seen.complete || host.monotonic() - last.at >= LIST_AGAIN_MS) {
      last = { seen: await list(), at: host.monotonic() }
    }
    return last.seen
  }
}

function text(told: Coverage, paint: Painter): string[] {
  const { complete, blocks, members, copies, below } = told
  const rows = copies.flatMap((count, n) => (count > 0 ? [[String(n), countText(count)]] : []))
  const rest = below.blocks - below.first.length
  const incomplete = complete ? '' : paint.red(' (the view is incomplete)')
  return [
    `${countOf(blocks, 'block')}${incomplete}; ready members: ${members.join(', ') || 'none'}`,
    ...(rows.length > 0 ? ['', ...table([['copies', 'blocks'], ...rows], '  ')] : []),
    '',
    verdict(told, paint),
    ...table(
      below.first.map(one => [one.block, one.members.join(', ') || 'nobody serves it']),
      '  ',
    ),
    ...(rest > 0 ? [`  and ${countText(rest)} more`] : []),
  ]
}

function verdict({ min, holds, complete, below }: Coverage, paint: Painter): string {
  if (holds) return paint.green(`every block has ${min} or more`)
  if (below.blocks > 0) return paint.red(`fewer than ${min}: ${countOf(below.blocks, 'block')}`)
  if (!complete) return paint.red('not every block was seen')
  return paint.red('no block was seen, and members serve some: look at the bucket and the filters')
}
