/** The cases of testStage() for block stages. */
import type { Candidate } from '../../contracts/block.ts'
import type { Services } from '../../contracts/host.ts'
import type { BlockContext, BlockStage, Outcome, Skip } from '../../contracts/stage.ts'
import { blockContext, testOutcome } from '../blocks.ts'
import { type ComponentKitOptions, isKebab, within, withStarted } from '../component-kit.ts'
import { settle } from '../fake-host.ts'
import { assert, assertEqual, type Runner } from '../kit.ts'
import { deepFrozen, sampleBlocks } from '../sample-blocks.ts'

export interface BlockStageKit extends ComponentKitOptions {
  readonly factory: () => BlockStage
  readonly blocks?: readonly Candidate[] | undefined
}

/** Asks the stage about every block, one after the other. */
export function useBlockStage(kit: BlockStageKit): (stage: BlockStage, services: Services) => Promise<void> {
  return async (stage, { host }) => {
    for (const block of contexts(kit)) await within(host, ask(stage, block), `handle() of ${block.id}`)
  }
}

export function blockStageCases(runner: Runner, kit: BlockStageKit): void {
  const { it } = runner
  const started = (use: (stage: BlockStage, services: Services) => Promise<void>) =>
    withStarted(kit.factory(), kit, use)

  for (const kind of ['added', 'unchanged', 'passed', 'failed'] as const) {
    it(`gives back what next() returned, or a skip with a kebab-case reason: ${kind}`, async () => {
      await started(async (stage, { host }) => {
        for (const block of contexts(kit)) {
          const below = testOutcome(kind, new Error('raised below'))
          await within(
            host,
            ask(stage, block, async () => below),
            `handle() of ${block.id}`,
          )
        }
      })
    })
  }

  it('waits for next() before it answers', async () => {
    await started(async (stage, { host }) => {
      for (const block of contexts(kit).slice(0, 20)) {
        const slow = async () => {
          await settle()
          return testOutcome('added')
        }
        await within(host, ask(stage, block, slow), `handle() of ${block.id}`)
      }
    })
  })

  it('is asked about many blocks at once, and gives each its own answer', async () => {
    await started(async (stage, { host }) => {
      const waiting: (() => void)[] = []
      let open = false
      const gated = async () => {
        if (!open) await new Promise<void>(resolve => waiting.push(resolve))
        return testOutcome('added')
      }
      const all = Promise.all(contexts(kit).map(block => ask(stage, block, gated)))
      all.catch(() => {})
      await settle()
      // Whoever came last goes on first, so that an answer kept in the stage reaches the wrong block.
      open = true
      for (const goOn of waiting.reverse()) goOn()
      await within(host, all, 'handle() of many blocks at once')
    })
  })

  it('can be asked about a block from inside the next() of another', async () => {
    await started(async (stage, { host }) => {
      const [outer, inner] = contexts(kit)
      assert(outer && inner, 'at least two blocks in `blocks`')
      let inside: Promise<void> | undefined
      const nested = async () => {
        inside = ask(stage, inner)
        // next() never rejects: what went wrong inside is told below.
        await inside.catch(() => {})
        return testOutcome('added')
      }
      await within(host, ask(stage, outer, nested), 'handle() with a handle() inside')
      await inside
    })
  })

  it('changes nothing of the block or the run it was given', async () => {
    await started(async (stage, { host }) => {
      for (const block of contexts(kit)) {
        const loaded = [...block.run.loaded]
        await within(host, ask(stage, deepFrozen(block)), `handle() of ${block.id}, frozen`)
        assertEqual([...block.run.loaded], loaded, 'run.loaded to stay as it was')
      }
    })
  })

  it('settles when the signal of its block has aborted', async () => {
    await started(async (stage, { host }) => {
      for (const block of contexts(kit).slice(0, 20)) {
        const aborted = { ...block, signal: AbortSignal.abort() }
        // Whether it answers or rejects is the stage's own business: the engine has given the block up.
        const settled = stage.handle(aborted, async () => testOutcome('failed', aborted.signal.reason)).catch(() => {})
        await within(host, settled, `handle() of ${block.id}, aborted`)
      }
    })
  })
}

/** Asks once, and holds the answer against the contract. */
async function ask(
  stage: BlockStage,
  block: BlockContext,
  below: () => Promise<Outcome> = async () => testOutcome('added'),
): Promise<void> {
  const given: Outcome[] = []
  let calls = 0
  const answer = await stage.handle(block, async () => {
    calls++
    const outcome = await below()
    given.push(outcome)
    return outcome
  })
  assert(calls <= 1, `next() to be called at most once for ${block.id}`)
  assert(given.length === calls, `next() to be awaited for ${block.id}`)
  if (calls === 1) assert(answer === given[0], `handle() to give back the very outcome of next() for ${block.id}`)
  else assertSkip(answer, block)
}

function assertSkip(answer: Outcome | Skip | undefined, block: BlockContext): void {
  assert(typeof answer === 'object' && answer !== null, `a skip or the outcome of next() for ${block.id}`)
  assert((answer as { kind?: unknown }).kind === 'skip', `a skip for ${block.id}, as next() was not called`)
  const { reason } = answer as Skip
  assert(isKebab(reason), `a kebab-case reason: current value is ${JSON.stringify(reason)}`)
}

function contexts(kit: BlockStageKit): readonly BlockContext[] {
  const blocks = kit.blocks ?? sampleBlocks(500)
  const loaded = new Set(blocks.filter((_, i) => i % 2 === 0).map(block => block.meta.ulid))
  return blocks.map(block => blockContext(block, { run: { loaded } }))
}
