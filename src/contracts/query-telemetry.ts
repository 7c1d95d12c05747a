/** Names and attributes of the spans of queries: not in telemetry.ts, since a gateway that answers none does without them. */

export const QuerySpanName = {
  query: (api: string): string => `query.${api}`,
  phase: (phase: string): string => `query.phase.${phase}`,
  block: 'query.block',
  step: (step: string): string => `query.block.${step}`,
  blocks: 'query.blocks',
} as const

/** The allow-list: a key that is not here, or in telemetry.ts, is never put on a span. */
export const QueryAttribute = {
  api: 'query.api',
  outcome: 'query.outcome',
  blocks: 'query.blocks',
  series: 'query.series',
  chunks: 'query.chunks',
  samples: 'query.samples',
  bytes: 'query.bytes',
  cacheHits: 'query.cache.hits',
  cacheBytes: 'query.cache.bytes',
  warnings: 'query.warnings',
  /** ms. */
  busy: 'query.busy_ms',
} as const
