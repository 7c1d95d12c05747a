/** Conformance tests of block stages and set stages. */
import type { Candidate } from '../contracts/block.ts'
import type { Component, Host, Services } from '../contracts/host.ts'
import type { BlockContext, BlockStage, Outcome, Selection, SetStage } from '../contracts/stage.ts'
import { assert, assertEqual, made, type Runner } from './assert.ts'
import { blockContext, runContext, testOutcome } from './blocks.ts'
import { type ComponentKitOptions, caseOf, componentCases, isKebab, within } from './component.ts'
import { settle } from './fake-host.ts'
import { deepFrozen, sampleBlocks } from './sample-blocks.ts'

export interface StageKitOptions extends ComponentKitOptions {
  /** A new stage, with options that are right, at every call. */
  readonly factory: () => BlockStage | SetStage
  /** Stages with wrong options: check() must report each. Default: that case is left out, by name. */
  readonly invalid?: readonly (() => Component)[] | undefined
  /** What the stage is asked about. Default: 500 blocks of many kinds. */
  readonly blocks?: readonly Candidate[] | undefined
}

/**
 * Registers the cases that fit the stage's kind with any runner that has `describe` and `it`.
 *
 * @example testStage({ describe, it }, { name: 'my-filter', factory: () => myFilter({ size: 3 }) })
 */
export function testStage(runner: Runner, options: StageKitOptions): void {
  const { kind } = made(options.factory, 'factory')
  const { blocks = sampleBlocks(500) } = options
  runner.describe(`${options.name} keeps the contract of a ${kind} stage`, () => {
    if (kind === 'block') blockStageCases(runner, options, options.factory as () => BlockStage, blocks)
    else setStageCases(runner, options, options.factory as () => SetStage, blocks)
  })
}

function blockStageCases(
  runner: Runner,
  options: StageKitOptions,
  factory: () => BlockStage,
  blocks: readonly Candidate[],
): void {
  const it = caseOf(runner, options, factory)
  const contexts = () => {
    const loaded = loadedOf(blocks)
    return blocks.map(block => blockContext(block, { run: { loaded } }))
  }
  const askAll = async (stage: BlockStage, { host }: Services) => {
    for (const block of contexts()) await askBlock(stage, host, block)
  }
  componentCases(runner, { ...options, factory, use: askAll })

  for (const kind of ['added', 'unchanged', 'passed', 'failed'] as const) {
    it(`gives back what next() returned, or a skip with a kebab-case reason: ${kind}`, async (stage, { host }) => {
      for (const block of contexts()) {
        const below = testOutcome(kind, new Error('raised below'))
        await askBlock(stage, host, block, async () => below)
      }
    })
  }

  it('waits for next() before it answers', async (stage, { host }) => {
    for (const block of contexts().slice(0, 20)) {
      await askBlock(stage, host, block, async () => {
        await settle()
        return testOutcome('added')
      })
    }
  })

  it('is asked about many blocks at once, and gives each its own answer', async (stage, { host }) => {
    const waiting: (() => void)[] = []
    let open = false
    const gated = async () => {
      if (!open) await new Promise<void>(resolve => waiting.push(resolve))
      return testOutcome('added')
    }
    const all = Promise.all(contexts().map(block => ask(stage, block, gated)))
    all.catch(() => {})
    await settle()
    // The last goes on first, so that an answer kept in the stage reaches the wrong block.
    open = true
    for (const goOn of waiting.reverse()) goOn()
    await within(host, all, 'handle() of many blocks at once')
  })

  it('can be asked about a block from inside the next() of another', async (stage, { host }) => {
    const [outer, inner] = contexts()
    assert(outer && inner, 'at least two blocks in `blocks`')
    let inside: Promise<void> | undefined
    await askBlock(stage, host, outer, async () => {
      inside = ask(stage, inner)
      // next() never rejects: an error inside is told below.
      await inside.catch(() => {})
      return testOutcome('added')
    })
    await inside
  })

  it('changes nothing of the block or the run it was given', async (stage, { host }) => {
    for (const block of contexts()) {
      const loaded = [...block.run.loaded]
      await askBlock(stage, host, deepFrozen(block))
      assertEqual([...block.run.loaded], loaded, 'run.loaded to stay as it was')
    }
  })

  it('settles when the signal of its block has aborted', async (stage, { host }) => {
    for (const block of contexts().slice(0, 20)) {
      const signal = AbortSignal.abort()
      // It may answer or reject: the engine has given the block up.
      const ended = stage.handle({ ...block, signal }, async () => testOutcome('failed', signal.reason)).catch(() => {})
      await within(host, ended, `handle() of ${block.id}, aborted`)
    }
  })
}

type Next = () => Promise<Outcome>

function askBlock(stage: BlockStage, host: Host, block: BlockContext, next?: Next): Promise<void> {
  return within(host, ask(stage, block, next), `handle() of ${block.id}`)
}

/** Asks once, and holds the answer against the contract. */
async function ask(
  stage: BlockStage,
  block: BlockContext,
  next: Next = async () => testOutcome('added'),
): Promise<void> {
  const given: Outcome[] = []
  let calls = 0
  const answer = await stage.handle(block, async () => {
    calls++
    const outcome = await next()
    given.push(outcome)
    return outcome
  })
  assert(calls <= 1, `next() to be called at most once for ${block.id}`)
  assert(given.length === calls, `next() to be awaited for ${block.id}`)
  if (calls === 1) assert(answer === given[0], `handle() to give back the very outcome of next() for ${block.id}`)
  else {
    const { kind, reason } = Object(answer) as { readonly kind?: unknown; readonly reason?: unknown }
    assert(kind === 'skip', `a skip for ${block.id}, as next() was not called`)
    assert(isKebab(reason), `a kebab-case reason: current value is ${JSON.stringify(reason)}`)
  }
}

function setStageCases(
  runner: Runner,
  options: StageKitOptions,
  factory: () => SetStage,
  blocks: readonly Candidate[],
): void {
  const it = caseOf(runner, options, factory)
  const half = blocks.slice(0, Math.floor(blocks.length / 2))
  componentCases(runner, {
    ...options,
    factory,
    use: async (stage, { host }) => void (await select(stage, host, blocks)),
  })

  for (const count of new Set([0, 1, blocks.length])) {
    it(`names each of ${count} blocks exactly once`, async (stage, { host }) => {
      const list = blocks.slice(0, count)
      const ids = (await select(stage, host, list)).map(selection => selection.id)
      assertEqual(new Set(ids).size, ids.length, 'no id to be named twice')
      // Sorted, because the stage chooses the order.
      assertEqual([...ids].sort(), list.map(block => block.meta.ulid).sort(), 'exactly the ids of the list')
    })
  }

  it('skips with kebab-case reasons', async (stage, { host }) => {
    for (const { skip } of await select(stage, host, blocks)) {
      assert(skip === undefined || isKebab(skip), `a kebab-case reason: current value is ${JSON.stringify(skip)}`)
    }
  })

  const superseded = 'supersededBy stands on skipped blocks only, and names a block of the list that goes on'
  it(superseded, async (stage, { host }) => {
    const answer = await select(stage, host, blocks)
    const going = new Set(answer.filter(({ skip }) => skip === undefined).map(({ id }) => id))
    for (const { id, skip, supersededBy } of answer) {
      if (supersededBy === undefined) continue
      assert(skip !== undefined, `${id} to be skipped, as it is superseded`)
      assert(going.has(supersededBy), `${supersededBy}, which supersedes ${id}, to be in the list and to go on`)
    }
  })

  it('changes nothing of the blocks or the list it was given', async (stage, { host }) => {
    const list = deepFrozen([...blocks])
    const before = JSON.stringify(list)
    await select(stage, host, list)
    assertEqual(JSON.stringify(list), before, 'the list to stay as it was')
  })

  it('gives the same answer to the same list, whatever it was asked between', async (stage, { host }) => {
    const first = await select(stage, host, blocks)
    await select(stage, host, half)
    assertEqual(await select(stage, host, blocks), first, 'the same answer again')
  })

  it('is asked twice at once, and answers both as it does alone', async (stage, { host }) => {
    const alone = [await select(stage, host, blocks), await select(stage, host, half)]
    const together = await Promise.all([select(stage, host, blocks), select(stage, host, half)])
    assertEqual(together, alone, 'the same answers when asked at once')
  })
}

function select(stage: SetStage, host: Host, list: readonly Candidate[]): Promise<readonly Selection[]> {
  const answer = (async () => await stage.select(list, runContext({ loaded: loadedOf(list) })))()
  return within(host, answer, `select() of ${list.length} blocks`)
}

/** Every other block. */
function loadedOf(blocks: readonly Candidate[]): ReadonlySet<Candidate['meta']['ulid']> {
  return new Set(blocks.filter((_, i) => i % 2 === 0).map(block => block.meta.ulid))
}
