/** `blockgate inspect <dir or ULID>`: what is in a block, and what is wrong with it. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { instant } from '../../contracts/duration.ts'
import { bytesText } from '../../contracts/text.ts'
import { nodeHost, nodeLog } from '../../runtime/node.ts'
import { type Painter, painter, visible } from '../../runtime/terminal/text.ts'
import { diskFolder, withBucketFolder } from '../block-folders.ts'
import type { Args, Command, Io } from '../command.ts'
import { ExitCode } from '../exit.ts'
import { type BlockReport, inspectBlock } from '../inspect-block.ts'
import { loadConfig } from '../load-config.ts'
import { countOf, durationText, labelsText, levelText, table } from '../text.ts'
import { ulid } from './explain.ts'

export const inspect: Command = {
  name: 'inspect',
  summary: 'show what is in a block, on a disk or in the bucket',
  argument: '<dir or ULID>',
  options: ['config', 'json'],
  details: [
    'Shows the meta and the files of a block, and checks that the files which the meta declares are there with their sizes,',
    'and that the index can be opened. A folder is looked at where it is, without a config; a ULID is looked for in the',
    'bucket of the config. Exits with 0 where nothing is wrong with the block, with 1 where something is, or it is not there.',
  ].join('\n'),
  examples: [
    'blockgate inspect ./data/blocks/01M82F4VZX6D8RGEKE0HPYTSKH',
    'blockgate inspect 01M82F4VZX6D8RGEKE0HPYTSKH --json',
  ],
  async run(args, io) {
    const report = await look(args, io)
    if (args.json) io.stdout.write(`${JSON.stringify(report)}\n`)
    else io.stdout.write(`${text(report, painter(io.stdout, io.env)).join('\n')}\n`)
    return report.problems.length === 0 ? ExitCode.ok : ExitCode.findings
  },
}

/** A folder that is there wins: a block's folder is named by its ULID. */
async function look(args: Args, io: Io): Promise<BlockReport> {
  const host = nodeHost({ log: nodeLog({ stream: io.stderr, env: io.env }) })
  const path = resolve(io.cwd, args.argument)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    return inspectBlock(await diskFolder(path), host.now())
  }
  const id = ulid(args.argument)
  const { config } = await loadConfig(args.config, io)
  return await withBucketFolder(config, host, id, folder => inspectBlock(folder, host.now()))
}

function text(report: BlockReport, paint: Painter): string[] {
  const { where, meta, uploaded, deletionTime, files, markers, index, problems } = report
  if (files.length === 0) return [`${visible(where)}: ${paint.red('there is nothing')}`]
  const ofMeta = meta && [
    ['ulid', meta.ulid],
    ['time', `${instant(meta.minTime)} to ${instant(meta.maxTime)} (${durationText(meta.maxTime - meta.minTime)})`],
    ['labels', labelsText(meta.labels)],
    ['level', levelText(meta)],
    ['resolution', meta.resolution === 0 ? 'raw' : durationText(meta.resolution)],
    ['source', meta.source === '' ? 'not told' : visible(meta.source)],
    ['uploaded', uploaded === undefined ? 'not told' : instant(uploaded)],
  ]
  const ofIndex = index && `version ${index.version}, ${index.symbols} symbols, ${index.postingsLists} postings lists`
  const about = [...(ofMeta ?? []), ['index', ofIndex ?? '-'], ['markers', markers.join(', ') || 'none']]
  if (deletionTime !== undefined) about.push(['marked', `for deletion at ${instant(deletionTime)}`])
  return [
    paint.bold(visible(where)),
    ...table(about, '  '),
    '',
    ...table(
      files.map(({ path, size }) => [bytesText(size).padStart(9), visible(path)]),
      '  ',
    ),
    `  ${bytesText(report.bytes).padStart(9)}  in ${countOf(files.length, 'file')}`,
    '',
    ...(problems.length === 0
      ? [paint.green('nothing is wrong')]
      : problems.map(problem => paint.red(visible(`wrong: ${problem}`)))),
  ]
}
