/** Parts of a gateway, started as observers for the time of one command: nothing is joined, claimed or written. */
import { type Attributes, ROOT_CONTEXT } from '@opentelemetry/api'
import { linkSignals } from '../async/signals.ts'
import type { ResolvedConfig } from '../config/config.ts'
import type { BucketReader } from '../contracts/bucket.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Component, Host } from '../contracts/host.ts'
import { OperatorAttribute } from '../contracts/operator-telemetry.ts'
import type { Operator } from '../contracts/ownership.ts'
import { inSpan } from '../contracts/spans.ts'
import { parts } from '../gateway.ts'
import { Lifecycle, type Part } from '../pipeline/lifecycle.ts'
import { ownershipOf } from '../pipeline/owned.ts'
import { nodeHost, nodeLog } from '../runtime/node.ts'
import { setupTracing } from '../runtime/tracing.ts'
import type { Args, Io } from './command.ts'
import { usageError } from './exit.ts'
import { loadConfig } from './load-config.ts'
import { readOnlyPlatform } from './read-only.ts'

export interface Observer {
  readonly config: ResolvedConfig
  readonly host: Host
  readonly operator: Operator
  /** Does what an operator asks for, inside a span of its own, `operator.<name>`. */
  act<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T>
}

/** How long a command waits at its end until its spans are sent. */
const SPANS = { quietMs: 2_000 } as const

/**
 * Calls `work` with the member store of the config. The ownership plugin is started, or what else `wanted` says.
 * @throws CliError with exit code 2 where the config has no members, or their store is out of reach of this process
 */
export async function withOperator<T>(
  args: Args,
  io: Io,
  work: (observer: Observer) => Promise<T>,
  wanted: (component: Component, config: ResolvedConfig) => boolean = isOwned,
): Promise<T> {
  const { config } = await loadConfig(args.config, io)
  const operator = operatorOf(config)
  const host = nodeHost({ log: { ...nodeLog({ stream: io.stderr, env: io.env }), info() {} } })
  const tracing = setupTracing(io.env, { log: host.log })
  const act: Observer['act'] = (name, attributes, doing) =>
    inSpan(`operator.${name}`, { [OperatorAttribute.action]: name, ...attributes }, ROOT_CONTEXT, doing)
  try {
    return await withParts(
      config,
      host,
      component => wanted(component, config),
      () => work({ config, host, operator, act }),
    )
  } finally {
    await tracing.shutdown(SPANS)
  }
}

/** Calls `work` with the bucket, once the parts that are wanted have started; they stop at its end. */
export async function withParts<T>(
  config: ResolvedConfig,
  host: Host,
  wanted: (component: Component) => boolean,
  work: (bucket: BucketReader) => Promise<T>,
): Promise<T> {
  const all = parts(config, readOnlyPlatform(config.dir, host))
  const lifecycle = new Lifecycle(all.filter(({ component }) => wanted(component)))
  const late = linkSignals()
  await lifecycle.start(late.signal)
  try {
    return await work(bucketOf(all))
  } finally {
    using _ = host.setTimer(config.stopGraceMs, () => {
      late.abort(new BlockgateError(ErrorCode.stopFailed, `it must stop within ${config.stopGraceMs} ms`))
    })
    await lifecycle.stop(late.signal)
  }
}

function bucketOf([first]: readonly Part[]): BucketReader {
  if (!first) throw new Error('a gateway must have parts')
  return first.services.bucket
}

export function isOwned(component: Component): boolean {
  return ownershipOf(component) !== undefined
}

/** Everything but the sink: what it takes to say which blocks are offered to `owned()`. */
export function isBeforeSink(component: Component, { plan }: ResolvedConfig): boolean {
  return component !== plan.sink.stage
}

function operatorOf({ plan }: ResolvedConfig): Operator {
  const { name, operator } = plan.ownership
  if (!operator) throw usageError(`the ownership plugin must have members to look at: ${name} has none`)
  if (operator.unavailable === undefined) return operator
  throw usageError(`the member store must be one that other processes can reach: ${operator.unavailable}`)
}
