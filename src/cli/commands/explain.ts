/** `blockgate explain <ULID>`: why a block is loaded, or not. */
import type { ResolvedConfig } from '../../config/config.ts'
import { type BlockId, isBlockId } from '../../contracts/block.ts'
import { instant } from '../../contracts/duration.ts'
import { isOwnershipUnavailable } from '../../contracts/errors.ts'
import type { Owner, RingMember } from '../../contracts/ownership.ts'
import { countOf } from '../../contracts/text.ts'
import type { ExplainStep, Explanation } from '../../explain/explain.ts'
import { signalCode } from '../../runtime/server/stop-signals.ts'
import { type Painter, visible } from '../../runtime/terminal/text.ts'
import { type Args, type Command, type Io, print } from '../command.ts'
import { ExitCode, usageError } from '../exit.ts'
import { ownersText } from '../owners.ts'
import { askGateway, type Known, type Unknown } from '../running-gateway.ts'
import { type Session, withGateway } from '../session.ts'
import { metaRows, table } from '../text.ts'

export const explain: Command = {
  name: 'explain',
  summary: 'say which stage keeps a block out, and why',
  argument: '<ULID>',
  options: ['config', 'json'],
  details: [
    'Lists the bucket, and takes the block through the pipeline of the config as a run would, together with all others where',
    'a set stage needs them. Nothing is joined, loaded, dropped or written, no claim is asked for and no span is made, so it',
    'can be used beside a running gateway. An ownership plugin with a hand-over is asked for the owners; of any other, only an',
    "add can tell. The gateway that runs at the config's http address is asked for the last events of the block. Exits with 0",
    'where the block is in the bucket and can be offered, whatever the verdict; with 1 where it is not.',
  ],
  examples: ['blockgate explain 01M82F4VZX6D8RGEKE0HPYTSKH', 'blockgate explain 01M82F4VZX6D8RGEKE0HPYTSKH --json'],
  async run(args, io) {
    const id = blockId(args.argument)
    const options = { command: 'explain', readOnly: true }
    return await withGateway(args, io, options, session => explainBlock(id, args, io, session))
  },
}

async function explainBlock(
  id: BlockId,
  args: Args,
  io: Io,
  { gateway, config, host, stop }: Session,
): Promise<number> {
  let told: Explanation
  try {
    told = await gateway.explain(id, stop.signal)
  } catch (error) {
    if (stop.caught === undefined) throw error
    return signalCode(stop.caught)
  }
  const running = await askGateway(config, id, host)
  const answer = { ...told, ...(await ownersOf(config, told, running)), gateway: running }
  print(args, io, answer, (_, paint) => text(answer, config.instance.id, paint))
  return told.candidate ? ExitCode.ok : ExitCode.findings
}

interface Owned {
  /** By rank; undefined where nobody could tell. */
  readonly owners: readonly Owner[] | undefined
  readonly members: readonly RingMember[] | undefined
}

/** Where this process cannot reach the member store, the running gateway says who the owners are. */
async function ownersOf({ plan }: ResolvedConfig, { steps }: Explanation, running: Known | Unknown): Promise<Owned> {
  const { operator } = plan.ownership
  const there = ('owners' in running && running.owners) || undefined
  if (operator?.unavailable !== undefined) return { owners: there, members: undefined }
  const owners = steps.find(step => step.owners)?.owners ?? there
  try {
    return { owners, members: (await operator?.ring())?.members }
  } catch (error) {
    if (!isOwnershipUnavailable(error)) throw error
    return { owners, members: undefined }
  }
}

/** @throws CliError with exit code 2 */
export function blockId(text: string): BlockId {
  if (isBlockId(text)) return text
  const upper = text.toUpperCase()
  const hint = isBlockId(upper) ? `: did you mean ${upper}?` : ''
  throw usageError(`a block must be named by its ULID, 26 characters: current value is ${JSON.stringify(text)}${hint}`)
}

function text(told: Explanation & Owned & { readonly gateway: Known | Unknown }, me: string, paint: Painter): string[] {
  const { block, view, candidate, steps, owners, members, gateway } = told
  const { deletionTime, notes = [] } = candidate ?? {}
  const about = [
    ...(candidate ? metaRows(candidate.meta) : []),
    ...(deletionTime === undefined ? [] : [['marked', `for deletion at ${instant(deletionTime)}`]]),
    ...notes.map(note => ['wrong', note]),
  ]
  const incomplete = view.complete ? '' : paint.red(' (the view is incomplete)')
  return [
    `${paint.bold(block)}, of ${countOf(view.blocks, 'block')}${incomplete}`,
    ...table(about, '  '),
    ...(steps.length > 0 ? [''] : []),
    ...table(
      steps.map(step => [step.kind, step.stage, stepText(step)]),
      '  ',
    ),
    '',
    ...conclusion(told, paint),
    ...(owners ? ['', ...ownersText(owners, members, me, paint)] : []),
    ...('warm' in gateway && gateway.warm ? ['', visible(`loaded ahead: ${gateway.warm.why}`)] : []),
    '',
    ...eventsText(gateway),
  ]
}

function eventsText(gateway: Known | Unknown): string[] {
  if ('problem' in gateway) return [visible(`no events: ${gateway.problem}`)]
  const rows = gateway.history.map(({ at, kind, by, reason, detail, traceId, traceUrl }) => {
    const why = `${reason || '-'}${detail === undefined ? '' : ` (${detail})`}`
    const trace = traceUrl ?? (traceId && `trace ${traceId}`)
    return [instant(at), kind, by || '-', why, ...(trace ? [trace] : [])]
  })
  return [`events, from the gateway at ${gateway.url}`, ...(rows.length > 0 ? table(rows, '  ') : ['  none yet'])]
}

const VERDICTS: Readonly<Record<ExplainStep['verdict'], string>> = {
  passed: 'passed',
  skipped: 'skipped',
  failed: 'failed',
  'at-add': 'decided at the add',
  'not-asked': '-',
}

function stepText({ verdict, reason, detail, supersededBy }: ExplainStep): string {
  const more = [supersededBy && `${supersededBy} holds all of it`, detail].filter(part => part)
  return `${VERDICTS[verdict]}${reason === undefined ? '' : `: ${reason}`}${more.length > 0 ? ` (${more.join('; ')})` : ''}`
}

function conclusion({ verdict, steps, view, loaded }: Explanation, paint: Painter): string[] {
  const by = steps.find(step => step.verdict === 'skipped' || step.verdict === 'failed')
  const where = by === undefined ? '' : ` by ${by.stage}: ${by.reason}`
  if (verdict === 'passed') {
    const next = loaded ? ', and is held' : ' that can be asked now; who owns it is asked at the add'
    return [paint.green(`passes every stage${next}`)]
  }
  const why = {
    absent: `not in the bucket${view.complete ? '' : ', as far as it could be listed'}`,
    partial: `in the bucket, but cannot be offered: ${by?.reason}`,
    skipped: `skipped${where}`,
    failed: `failed${where}`,
  }
  const held = loaded ? 'The sink holds it: the next run decides whether it stays.' : 'The sink does not hold it.'
  return [paint.red(why[verdict]), held]
}
