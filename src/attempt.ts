/** One block through one segment, once: its context, its signal, its timeout; and what to do with a stage that hangs. */
import { linkSignals } from './async/signals.ts'
import type { BlockId, Candidate } from './block.ts'
import type { BlockTrace } from './block-trace.ts'
import type { Onion } from './compose.ts'
import { BlockgateError, ErrorCode } from './errors.ts'
import type { Host } from './host.ts'
import { failed } from './outcome.ts'
import type { Outcome, RunContext } from './stage.ts'

/** How long a stage may go on after its signal aborted before the run goes on without it, in ms. */
const STUCK_GRACE = 5_000

export interface AttemptDeps {
  readonly host: Host
  readonly blockTimeoutMs: number
  /**
   * Blocks whose stages never settled, with the stage that hangs; across runs. Such a block is not started again while
   * the old attempt may still do something.
   */
  readonly stuck: Map<BlockId, string>
}

/** Never rejects. A stage that ignores its signal is reported by name, and the block fails. */
export async function attempt(
  { host, blockTimeoutMs, stuck }: AttemptDeps,
  run: RunContext,
  candidate: Candidate,
  loaded: boolean,
  onion: Onion,
  trace: BlockTrace,
): Promise<Outcome> {
  const id = candidate.meta.ulid
  const hanging = stuck.get(id)
  if (hanging !== undefined) return failed(hanging, stuckError('is still running from an earlier attempt'))
  const link = linkSignals(run.signal)
  const timer = host.setTimer(blockTimeoutMs, () => {
    link.abort(new BlockgateError(ErrorCode.blockTimeout, `the block took longer than ${blockTimeoutMs} ms`))
  })
  let grace: Disposable | undefined
  const gaveUp = new Promise<Outcome>(resolve => {
    const onAbort = () => {
      grace = host.setTimer(STUCK_GRACE, () => {
        const stage = trace.running.at(-1) ?? 'pipeline'
        stuck.set(id, stage)
        running.finally(() => stuck.delete(id))
        resolve(failed(stage, stuckError(`did not settle within ${STUCK_GRACE} ms after its signal aborted`)))
      })
    }
    link.signal.addEventListener('abort', onAbort, { once: true })
    if (link.signal.aborted) onAbort()
  })
  const block = { ...candidate, id, run, loaded, signal: link.signal, lease: undefined }
  const running = onion(block, { trace, abort: link.abort })
  try {
    return await Promise.race([running, gaveUp])
  } finally {
    timer[Symbol.dispose]()
    grace?.[Symbol.dispose]()
    link[Symbol.dispose]()
  }
}

function stuckError(what: string): BlockgateError {
  return new BlockgateError(ErrorCode.stageStuck, what)
}
