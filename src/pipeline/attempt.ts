/** One block through one segment, once: its context, its signal, its timeout; and what to do with a stage that hangs. */
import { linkSignals } from '../async/signals.ts'
import type { BlockId, Candidate } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Outcome, RunContext } from '../contracts/stage.ts'
import type { BlockTrace } from './block-trace.ts'
import type { Chain } from './compose.ts'
import { failed } from './outcome.ts'

/** How long a stage may go on after its signal aborted before the run goes on without it, in ms. */
export const STUCK_GRACE = 5_000

export interface AttemptDeps {
  readonly host: Host
  readonly blockTimeoutMs: number
  /** Blocks with a stage that never ended, and its name; across runs. Such a block is not tried again while that stage goes on. */
  readonly stuck: Map<BlockId, string>
}

/** Resolves always. A stage that ignores its signal is reported by name, and the block fails. */
export async function attempt(
  { host, blockTimeoutMs, stuck }: AttemptDeps,
  run: RunContext,
  candidate: Candidate,
  loaded: boolean,
  chain: Chain,
  trace: BlockTrace,
): Promise<Outcome> {
  const id = candidate.meta.ulid
  const hanging = stuck.get(id)
  if (hanging !== undefined) return failed(hanging, stuckError('is still running from an earlier attempt'))
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const link = linkSignals(run.signal)
  const timeout = host.setTimer(blockTimeoutMs, () => {
    link.abort(
      new BlockgateError(ErrorCode.blockTimeout, `timed out after ${blockTimeoutMs / 1000} s (option blockTimeout)`),
    )
  })
  let grace: Disposable | undefined
  const onAbort = () => {
    grace = host.setTimer(STUCK_GRACE, () => {
      const stage = trace.running.at(-1) ?? 'pipeline'
      stuck.set(id, stage)
      running.finally(() => stuck.delete(id)).catch(() => {})
      resolve(failed(stage, stuckError(`did not end within ${STUCK_GRACE / 1000} s after its signal aborted`)))
    })
  }
  if (link.signal.aborted) onAbort()
  else link.signal.addEventListener('abort', onAbort)
  const block = { ...candidate, id, run, loaded, signal: link.signal, lease: undefined }
  const running = chain(block, { trace, abort: link.abort })
  running.then(resolve, (error: unknown) => resolve(failed('pipeline', error)))
  try {
    return await promise
  } finally {
    timeout[Symbol.dispose]()
    grace?.[Symbol.dispose]()
    link[Symbol.dispose]()
  }
}

function stuckError(what: string): BlockgateError {
  return new BlockgateError(ErrorCode.stageStuck, what)
}
