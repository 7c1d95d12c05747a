/** `blockgate inspect <dir or ULID>`: what is in a block, and what is wrong with it. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { instant } from '../../contracts/duration.ts'
import { bytesText, countOf, durationText } from '../../contracts/text.ts'
import { nodeHost, nodeLog } from '../../runtime/node.ts'
import { type Painter, visible } from '../../runtime/terminal/text.ts'
import { Screen } from '../../runtime/terminal.ts'
import type { BlockFolder } from '../block/folder.ts'
import { checkedText, contentsText } from '../block/text.ts'
import { diskFolder, withBucketFolder } from '../block-folders.ts'
import { type Args, type Command, type Io, print } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { type BlockReport, inspectBlock } from '../inspect-block.ts'
import { loadConfig } from '../load-config.ts'
import { metaRows, table } from '../text.ts'
import { blockId } from './explain.ts'

export const inspect: Command = {
  name: 'inspect',
  summary: 'show what is in a block, on a disk or in the bucket',
  argument: '<dir or ULID>',
  options: ['config', 'verify', 'json'],
  details: [
    'Shows the meta and the files of a block, the labels with the most values, and what the most series have; and checks',
    'that the files which the meta declares are there with their sizes, and that the index can be opened. --verify reads all',
    'of it, and checks every checksum and every sample. A folder is looked at where it is, without a config; a ULID is',
    'looked for in the bucket of the config. Exits with 0 where nothing is wrong with the block, with 1 where something is,',
    'or it is not there.',
  ],
  examples: [
    'blockgate inspect ./data/blocks/01M82F4VZX6D8RGEKE0HPYTSKH',
    'blockgate inspect ./data/blocks/01M82F4VZX6D8RGEKE0HPYTSKH --verify',
    'blockgate inspect 01M82F4VZX6D8RGEKE0HPYTSKH --json',
  ],
  async run(args, io) {
    const report = await reportOf(args, io)
    print(args, io, report, text)
    return report.problems.length === 0 ? ExitCode.ok : ExitCode.findings
  },
}

/** A block's folder is named by its ULID: one that is there wins. */
async function reportOf(args: Args, io: Io): Promise<BlockReport> {
  const screen = new Screen(io.stderr, io.env)
  const host = nodeHost({ log: nodeLog({ stream: screen, env: io.env }) })
  const inspected = async (folder: BlockFolder) => {
    using progress = new Progress(screen, folder)
    return await inspectBlock(folder, { now: host.now(), verify: args.verify, onRead: bytes => progress.more(bytes) })
  }
  const path = resolve(io.cwd, args.argument)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return await inspected(await diskFolder(path))
  const id = blockId(args.argument)
  const { config } = await loadConfig(args.config, io)
  return await withBucketFolder(config, host, id, inspected)
}

/** A live line on a terminal: `read 1.2 GB of 3.4 GB`. A part may be read more than once. */
class Progress implements Disposable {
  readonly #screen: Screen
  readonly #total: number
  #read = 0

  constructor(screen: Screen, { files }: BlockFolder) {
    this.#screen = screen
    this.#total = files.reduce((sum, { size }) => sum + size, 0)
  }

  more(bytes: number): void {
    this.#read += bytes
    this.#screen.draw(`read ${bytesText(this.#read)}, of a block of ${bytesText(this.#total)}`)
  }

  [Symbol.dispose](): void {
    this.#screen.clear()
  }
}

function text(report: BlockReport, paint: Painter): string[] {
  const { where, meta, files, index, problems, problemCount } = report
  if (files.length === 0) return [`${visible(where)}: ${paint.red('there is nothing')}`]
  const { uploaded, deletionTime, markers, bytes } = report
  const rows = [
    ...(meta
      ? [
          ['ulid', meta.ulid],
          ...metaRows(meta),
          ['resolution', meta.resolution === 0 ? 'raw' : durationText(meta.resolution)],
          ['source', meta.source || 'not told'],
          ['uploaded', uploaded === undefined ? 'not told' : instant(uploaded)],
        ]
      : []),
    [
      'index',
      index ? `version ${index.version}, ${index.symbols} symbols, ${index.postingsLists} postings lists` : '-',
    ],
    ['markers', markers.join(', ') || 'none'],
    ...(deletionTime === undefined ? [] : [['marked', `for deletion at ${instant(deletionTime)}`]]),
  ]
  const sizes = files.map(({ path, size }) => [bytesText(size).padStart(9), path])
  const more = problemCount - problems.length
  return [
    paint.bold(visible(where)),
    ...table(rows, '  '),
    '',
    ...table([...sizes, [bytesText(bytes).padStart(9), `in ${countOf(files.length, 'file')}`]], '  '),
    '',
    ...contentsText(report, paint),
    ...(problems.length === 0
      ? [paint.green(checkedText(report))]
      : problems.map(problem => paint.red(visible(`wrong: ${problem}`)))),
    ...(more > 0 ? [paint.red(`… and ${countOf(more, 'problem')} more`)] : []),
  ]
}
