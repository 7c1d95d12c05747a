/** What stays between the runs of one gateway: the plan, composed, and the memory of its blocks. */

import { Catalogue } from '../catalogue/catalogue.ts'
import type { BlockId } from '../contracts/block.ts'
import type { Host, Instance, StateStore } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { Plan } from '../contracts/plan.ts'
import { adder } from '../pipeline/add.ts'
import { AdvertisedBlocks } from '../pipeline/advertised.ts'
import { type Chain, compose } from '../pipeline/compose.ts'
import { DiskBudget } from '../pipeline/disk-budget.ts'
import { Faults } from '../pipeline/faults.ts'
import { LoadJournal } from '../pipeline/journal.ts'
import { passed } from '../pipeline/outcome.ts'
import { KeptIds } from './kept-ids.ts'
import type { Pace } from './pace.ts'

export interface EngineSettings {
  /** Blocks on their way through the stages at once. */
  readonly concurrency: number
  readonly blockTimeoutMs: number
  /** How long the source may take for a page, and a set stage for its answer. */
  readonly stageTimeoutMs: number
  /** When the bucket is listed next. */
  readonly pace: Pace
  /** Bytes that the loaded blocks may take; Infinity where there is no limit. */
  readonly diskBudget: number
  /** Whose traces these are. */
  readonly instance: Instance
}

export interface Engine extends EngineSettings {
  readonly plan: Plan
  readonly host: Host
  readonly catalogue: Catalogue
  readonly journal: LoadJournal
  readonly advertised: AdvertisedBlocks
  readonly budget: DiskBudget
  readonly faults: Faults
  readonly metrics: Metrics | undefined
  /** One chain a segment: the last ends in the add, the others at their barrier. */
  readonly chains: readonly Chain[]
  /** Blocks with a stage that never ended, and its name. */
  readonly stuck: Map<BlockId, string>
  /** Loaded blocks that the last complete view did not have. */
  readonly absences: KeptIds
  /** Loaded blocks that a person is asked about before they are dropped. */
  readonly asked: KeptIds
  readonly state: StateStore
  /** What is told once while it lasts: the code that the last run failed with. */
  readonly told: { error: string | undefined }
}

export function createEngine(
  plan: Plan,
  host: Host,
  state: StateStore,
  settings: EngineSettings,
  metrics: Metrics | undefined,
): Engine {
  const catalogue = new Catalogue(host)
  const journal = new LoadJournal(state, host)
  const advertised = new AdvertisedBlocks(plan.ownership.handover, host, id => plan.sink.stage.loaded().has(id))
  const loaded = () => plan.sink.stage.loaded()
  // What was loaded ahead goes first.
  const budget = new DiskBudget(settings.diskBudget, loaded, left => plan.sink.stage.warm?.shrink(left))
  const faults = new Faults(host, metrics)
  const onLoading = (id: BlockId) => catalogue.loading(id)
  const add = adder({ source: plan.source, sink: plan.sink, host, journal, advertised, budget, metrics, onLoading })
  const chains = plan.segments.map(({ stages, barrier }) => compose(stages, barrier ? async () => passed : add))
  const memory = {
    stuck: new Map(),
    absences: new KeptIds('absent'),
    asked: new KeptIds('asked'),
    state,
    told: { error: undefined },
  }
  return { ...settings, ...memory, plan, host, catalogue, journal, advertised, budget, faults, metrics, chains }
}
