/** One block through one segment, once: its context, its signal, its timeout; and what to do with a stage that hangs. */
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
  /**
   * Blocks whose stages never settled, with the stage that hangs; across runs. Such a block is not started again while
   * the old attempt may still do something.
   */
  readonly stuck: Map<BlockId, string>
}

type Abort = (reason: unknown) => void

/** The attempts of a run that go on now: one listener on the run's signal serves them all, however many blocks. */
export class ActiveAttempts {
  readonly #aborts = new Set<Abort>()
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => {
      for (const abort of [...this.#aborts]) abort(signal.reason)
    })
  }

  get size(): number {
    return this.#aborts.size
  }

  add(abort: Abort): void {
    this.#aborts.add(abort)
    if (this.#signal.aborted) abort(this.#signal.reason)
  }

  delete(abort: Abort): void {
    this.#aborts.delete(abort)
  }
}

/** Resolves always. A stage that ignores its signal is reported by name, and the block fails. */
export function attempt(
  { host, blockTimeoutMs, stuck }: AttemptDeps,
  active: ActiveAttempts,
  run: RunContext,
  candidate: Candidate,
  loaded: boolean,
  chain: Chain,
  trace: BlockTrace,
): Promise<Outcome> {
  const id = candidate.meta.ulid
  const hanging = stuck.get(id)
  if (hanging !== undefined) {
    return Promise.resolve(failed(hanging, stuckError('is still running from an earlier attempt')))
  }
  return new Promise(resolve => {
    const controller = new AbortController()
    let grace: Disposable | undefined
    const settle = (outcome: Outcome) => {
      timer[Symbol.dispose]()
      grace?.[Symbol.dispose]()
      active.delete(abort)
      resolve(outcome)
    }
    const giveUp = () => {
      const stage = trace.running.at(-1) ?? 'pipeline'
      stuck.set(id, stage)
      running.finally(() => stuck.delete(id)).catch(() => {})
      settle(failed(stage, stuckError(`did not settle within ${STUCK_GRACE} ms after its signal aborted`)))
    }
    const abort = (reason: unknown) => {
      if (controller.signal.aborted) return
      controller.abort(reason)
      grace = host.setTimer(STUCK_GRACE, giveUp)
    }
    const timer = host.setTimer(blockTimeoutMs, () => {
      abort(new BlockgateError(ErrorCode.blockTimeout, `the block took longer than ${blockTimeoutMs} ms`))
    })
    active.add(abort)
    const block = { ...candidate, id, run, loaded, signal: controller.signal, lease: undefined }
    const running = chain(block, { trace, abort })
    running.then(settle, (error: unknown) => settle(failed('pipeline', error)))
  })
}

function stuckError(what: string): BlockgateError {
  return new BlockgateError(ErrorCode.stageStuck, what)
}
