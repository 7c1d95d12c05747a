/** `blockgate inspect <dir or ULID>`: what is in a block, and what is wrong with it. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { instant } from '../../contracts/duration.ts'
import { bytesText, countOf, durationText } from '../../contracts/text.ts'
import { nodeHost, nodeLog } from '../../runtime/node.ts'
import { type Painter, visible } from '../../runtime/terminal/text.ts'
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
  options: ['config', 'json'],
  details: [
    'Shows the meta and the files of a block, and checks that the files which the meta declares are there with their sizes,',
    'and that the index can be opened. A folder is looked at where it is, without a config; a ULID is looked for in the',
    'bucket of the config. Exits with 0 where nothing is wrong with the block, with 1 where something is, or it is not there.',
  ],
  examples: [
    'blockgate inspect ./data/blocks/01M82F4VZX6D8RGEKE0HPYTSKH',
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
  const host = nodeHost({ log: nodeLog({ stream: io.stderr, env: io.env }) })
  const path = resolve(io.cwd, args.argument)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    return inspectBlock(await diskFolder(path), host.now())
  }
  const id = blockId(args.argument)
  const { config } = await loadConfig(args.config, io)
  return await withBucketFolder(config, host, id, folder => inspectBlock(folder, host.now()))
}

function text({ where, meta, files, index, problems, ...report }: BlockReport, paint: Painter): string[] {
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
  return [
    paint.bold(visible(where)),
    ...table(rows, '  '),
    '',
    ...table([...sizes, [bytesText(bytes).padStart(9), `in ${countOf(files.length, 'file')}`]], '  '),
    '',
    ...(problems.length === 0
      ? [paint.green('nothing is wrong')]
      : problems.map(problem => paint.red(visible(`wrong: ${problem}`)))),
  ]
}
