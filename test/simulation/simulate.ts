/** One seed, from its cluster to its verdict. */
import { Cluster } from './cluster.ts'
import { Random } from './random.ts'
import { comesToRest } from './settled.ts'
import { type Story, tell } from './story.ts'
import { Tales } from './tales.ts'
import { SOUND, type Tested, type Variant, Violation } from './world.ts'

const MINUTE = 60_000
/** Bytes that a member may load ahead: of some eight blocks, or of all. */
const FEW = 8_200
const MANY = 1_000_000

export interface Verdict {
  readonly seed: number
  readonly plugin: string
  readonly variant: string
  readonly events: number
  /** Virtual time, ms. */
  readonly lasted: number
  /** Of everything that happened. */
  readonly hash: number
  readonly violation: Violation | undefined
  /** What the cluster was, and the last lines of what happened. */
  story(lines: number): string
}

/** `as`: a `tale` is a short history, of few blocks, that ends in the midst of things; then what was traced of it must be what happened. */
export async function simulate(
  seed: number,
  plugin: Tested,
  variant: Variant = SOUND,
  as: 'history' | 'tale' = 'history',
): Promise<Verdict> {
  const random = new Random(seed)
  const isTale = as === 'tale'
  const story: Story = {
    kind: random.chance(0.4) ? 'planned' : 'rough',
    lasts: random.between(4, 10) * MINUTE * (isTale ? 0.25 : 1),
  }
  const options = {
    seed: random.int(0, 0xffffffff),
    members: random.int(2, 5),
    blocks: isTale ? random.int(4, 12) : random.int(20, 50),
    zones: random.pick([0, 0, 2, 3]),
    replicas: random.pick([1, 2] as const),
    placement: random.pick(['rendezvous', 'token-ring'] as const),
    handoverDelayMs: random.pick([0, 5_000, 30_000]),
    leases: plugin.leases(random),
    // Not drawn, so that the other histories stay what they are. A broken variant says whether it is about that.
    prewarm: isTale || variant !== SOUND ? undefined : [undefined, FEW, undefined, MANY][seed % 4],
    looks: !isTale && variant === SOUND && seed % 2 === 1,
    ...variant.world,
  }
  const cluster = new Cluster(options, plugin, variant)
  const { scheduler, watch } = cluster
  using tales = isTale ? new Tales(cluster, variant.isLost) : undefined
  let violation: Violation | undefined
  let done = false
  const told = tell(cluster, story)
    .then(() => (isTale ? undefined : comesToRest(cluster)))
    .catch((error: unknown) => {
      violation = error instanceof Violation ? error : new Violation('harness', String((error as Error).stack))
    })
    .finally(() => {
      done = true
    })
  try {
    await scheduler.run(
      () => done || violation !== undefined,
      () => watch.check(),
    )
    if (!violation) tales?.check()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = error
  }
  void told
  return {
    seed,
    plugin: plugin.name,
    variant: variant.name,
    events: scheduler.events,
    lasted: scheduler.now,
    hash: scheduler.hash,
    violation,
    story(lines) {
      return `${JSON.stringify({ ...options, ...story })}\n${cluster.tell(lines)}`
    },
  }
}
