/** What a config comes to, as plain data without secrets: for `blockgate check` and the pages. */
import type { ResolvedConfig } from '../config/config.ts'
import { isCache, type ResolvedServe, resolveServe } from '../config/serve.ts'
import type { Component } from '../contracts/host.ts'
import type { Named } from '../contracts/plan.ts'
import { shownOptions } from '../contracts/shown-options.ts'
import type { Stage } from '../contracts/stage.ts'
import { ownershipOf } from '../pipeline/owned.ts'

export interface ComponentDescription {
  readonly name: string
  /** As they were given, masked; absent where there are none, or the plugin does not tell them. */
  readonly options?: unknown
}

export interface StageDescription extends ComponentDescription {
  readonly kind: Stage['kind']
  /**
   * Counted from 1. A segment ends at its set stage, the barrier; the source belongs to the first one, and the sink to
   * the last.
   */
  readonly segment: number
  /** Of the stage that asks who owns a block. */
  readonly ownership?: ComponentDescription
}

export interface ConfigDescription
  extends Pick<ResolvedConfig, 'dir' | 'everyMs' | 'concurrency' | 'blockTimeoutMs' | 'stopGraceMs'> {
  readonly instance: { readonly id: string; readonly zone?: string }
  readonly bucket: ComponentDescription | undefined
  /** Of an interval that adapts; everyMs is its longest then. */
  readonly interval?: ComponentDescription
  /** What loads blocks ahead. */
  readonly prewarm?: ComponentDescription
  /** Where the HTTP server listens; null: nowhere. */
  readonly http: { readonly host?: string; readonly port: number } | null
  /** How queries are answered, with its defaults. */
  readonly serve: Omit<ResolvedServe, 'cache'> & { readonly cache: ComponentDescription | { readonly memory: number } }
  /** Whether there is a token; never which. */
  readonly token: boolean
  readonly readToken: boolean
  /** In list order, with the `owned()` that the engine puts in where there is none. */
  readonly stages: readonly StageDescription[]
}

/** Nothing is started. */
export function describeConfig(config: ResolvedConfig): ConfigDescription {
  const { plan, instance, bucket, dir, everyMs, concurrency, blockTimeoutMs, stopGraceMs, http, serve } = config
  const resolved = resolveServe(serve)
  const { cache } = resolved
  return {
    instance: { id: instance.id, ...(instance.zone !== undefined && { zone: instance.zone }) },
    bucket: bucket && component(bucket.name, bucket),
    dir,
    everyMs,
    ...(config.interval && { interval: component(config.interval.name, config.interval) }),
    ...(config.prewarm && { prewarm: component(config.prewarm.name, config.prewarm) }),
    concurrency,
    blockTimeoutMs,
    stopGraceMs,
    http: http ? { port: http.port, ...(http.host !== undefined && { host: http.host }) } : null,
    token: config.token !== undefined,
    readToken: config.readToken !== undefined,
    serve: { ...resolved, cache: isCache(cache) ? component(cache.name, cache) : cache },
    stages: [
      stage(plan.source, 1),
      ...plan.segments.flatMap(({ stages, barrier }, i) => {
        return [...stages, ...(barrier ? [barrier] : [])].map(entry => stage(entry, i + 1))
      }),
      stage(plan.sink, plan.segments.length),
    ],
  }
}

function stage(entry: Named<Stage>, segment: number): StageDescription {
  const plugin = ownershipOf(entry.stage)
  return {
    ...component(entry.name, entry.stage),
    kind: entry.stage.kind,
    segment,
    ...(plugin && { ownership: component(plugin.name, plugin) }),
  }
}

function component(name: string, { options }: Pick<Component, 'options'>): ComponentDescription {
  const shown = shownOptions(options)
  return shown === undefined ? { name } : { name, options: shown }
}
