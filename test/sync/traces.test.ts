/** What the traces of blocks and runs say, and when there are none. test/stories.test.ts has whole trees. */
import { BlockgateError, type BlockStage, type LocalFiles, skip } from 'blockgate'
import { fakeHost, memoryState, type Spans, spans, testId } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, type World, type WorldOptions, world } from '../support/world.ts'

/** A disk that takes everything. */
const disk: LocalFiles = {
  read: async () => new Uint8Array(),
  list: async () => [],
  writeAtomic: async () => {},
  rename: async () => {},
  remove: async () => {},
  free: async () => 1e9,
}

let recorded: Spans
let running: World | undefined
beforeEach(() => {
  recorded = spans()
})
afterEach(async () => {
  await running?.gateway.stop()
  running = undefined
  recorded.stop()
})

const KEYS = ['block.outcome.reason', 'ownership.owners', 'block.waits_for']
const tree = (...attributes: readonly string[]) => recorded.tree({ attributes })
const names = () => recorded.finished().map(({ name }) => name)
const make = async (options: WorldOptions) => (running = await world(options))

describe('a loaded block that is not this member’s any more', () => {
  it('is told once while it waits, with who it waits for; then its release and its drop are one trace', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host } = await make({ list: blocks(1), ownership })
    await gateway.start()
    recorded.reset()
    ownership.lose(1)
    await host.advance(1_000)
    expect(tree(...KEYS)).toMatchInlineSnapshot(`
      "sync.run ~> block retained last-copy
      block retained last-copy block.outcome.reason=last-copy ownership.owners=["other"] block.waits_for=["other"] ~> sync.run, (unknown)
        block.owned block.outcome.reason=not-owner
        release"
    `)
    recorded.reset()
    ownership.tick()
    await host.advance(60_000)
    expect(tree()).toBe('')
    ownership.served(1)
    await host.advance(1_000)
    expect(tree(...KEYS)).toMatchInlineSnapshot(`
      "sync.run ~> block dropped
      block dropped block.outcome.reason=not-owner ownership.owners=["other"] block.waits_for=[] ~> sync.run, (unknown)
        block.owned block.outcome.reason=not-owner
        release
        pending hand-off
        drop"
    `)
    const handOff = recorded.finished().find(({ name }) => name === 'pending hand-off')
    const drop = recorded.finished().find(({ name }) => name === 'drop')
    expect(handOff?.startTime[0]).toBeLessThan((drop?.startTime[0] ?? 0) - 50)
  })

  it('that nobody else serves is the last copy', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host } = await make({ list: blocks(1), ownership })
    await gateway.start()
    recorded.reset()
    ownership.lose(1)
    await host.advance(1_000)
    expect(names()).toContain('block retained last-copy')
  })
})

it('a block that is gone from the bucket is dropped in a trace that is linked to its run and to its add', async () => {
  const { gateway, source } = await make({ list: blocks(1, 2) })
  await gateway.sync()
  source.list = blocks(2)
  await gateway.sync()
  recorded.reset()
  await gateway.sync()
  expect(tree('block.outcome.reason')).toMatchInlineSnapshot(`
    "sync.run ~> block dropped
      source.scripted
    block dropped block.outcome.reason=absent ~> sync.run, (unknown)
      drop"
  `)
})

it('a gain after a denial has its claim, and is linked to the denial', async () => {
  const ownership = scriptedOwnership([])
  const { gateway, host } = await make({ list: blocks(1), ownership })
  await gateway.start()
  ownership.gain(1)
  await host.advance(1_000)
  expect(tree('ownership.status', 'ownership.epoch', 'ownership.fence')).toMatchInlineSnapshot(`
    "sync.run ~> block skipped not-owner
      source.scripted
    block skipped not-owner ownership.status=denied ownership.epoch=1 ~> sync.run
      block.owned
        ownership.claim ownership.status=denied ownership.epoch=1
    sync.run ~> block added
    block added ~> sync.run, block skipped not-owner
      block.owned
        ownership.claim ownership.status=granted ownership.epoch=2 ownership.fence=2
        block.scripted-sink"
  `)
})

describe('what repeats is quiet', () => {
  it('a block that fails again and again for one reason is one trace, however many runs', async () => {
    const sink = scriptedSink()
    sink.fail(1, ...Array.from({ length: 9 }, () => new BlockgateError('corrupt-block', 'its index is short')))
    const { gateway } = await make({ list: blocks(1), sink })
    for (let i = 0; i < 5; i++) await gateway.sync()
    expect(names().filter(name => name.startsWith('block ') && name !== 'block.scripted-sink')).toEqual([
      'block failed corrupt-block',
    ])
  })

  it('a partial block is told once', async () => {
    const { gateway, source } = await make({})
    source.partial = [{ id: testId(1), reason: 'no-meta-json', keep: false }]
    for (let i = 0; i < 3; i++) await gateway.sync()
    expect(names().filter(name => name.startsWith('block '))).toEqual(['block skipped no-meta-json'])
  })

  it('runs that change nothing make no trace; the next one that does is told whole', async () => {
    const { gateway, host, source } = await make({ list: blocks(1), every: '1m' })
    await gateway.start()
    recorded.reset()
    await host.advance(600_000)
    expect(tree()).toBe('')
    source.list = blocks(1, 2)
    await host.advance(70_000)
    expect(tree()).toMatchInlineSnapshot(`
      "sync.run ~> block added
        source.scripted
      block added ~> sync.run
        block.owned
          ownership.claim
          block.scripted-sink"
    `)
  })

  it('runs that fail alike are told once, and so is the end of it', async () => {
    const { gateway, host, source } = await make({ list: blocks(1), every: '1m' })
    await gateway.start()
    recorded.reset()
    source.error = new Error('the store is away')
    await host.advance(600_000)
    source.error = undefined
    await host.advance(600_000)
    const runs = recorded.finished().filter(({ name }) => name === 'sync.run')
    expect(runs.map(({ status }) => status.message)).toEqual(['the store is away', undefined])
  })
})

it('reasons stand in names, but no more of them than a menu can show', async () => {
  const odd: BlockStage = { kind: 'block', name: 'odd', handle: async ({ id }) => skip(`odd-${id.toLowerCase()}`) }
  const { gateway } = await make({ list: blocks(...Array.from({ length: 99 }, (_, i) => i + 1)), stages: [odd] })
  await gateway.sync()
  const told = names().filter(name => name.startsWith('block '))
  expect(told).toHaveLength(99)
  expect(new Set(told).size).toBeLessThanOrEqual(21)
  expect(told.at(-1)).toBe('block skipped other')
  // So it is with the links of the run.
  expect(recorded.finished().find(({ name }) => name === 'sync.run')?.links).toHaveLength(64)
})

it('the root is the time of the work: to wait for others is a span of its own', async () => {
  const hold = Promise.withResolvers<void>()
  const barrier = {
    kind: 'set' as const,
    name: 'barrier',
    select: async (all: ReturnType<typeof blocks>) => {
      await hold.promise
      return all.map(({ meta }) => ({ id: meta.ulid }))
    },
  }
  const sink = scriptedSink()
  const open = sink.gate(1)
  const { gateway, host } = await make({ list: blocks(1, 2), stages: [barrier as never], sink, concurrency: 1 })
  const run = gateway.sync()
  await host.advance(5_000)
  hold.resolve()
  await host.advance(2_000)
  open()
  await run
  const told = recorded.finished().map(({ name, duration, attributes }) => {
    return `${name} ${duration[0]} ${attributes['block.id'] ?? attributes['wait.slot_ms'] ?? ''}`.trim()
  })
  expect(told.filter(line => /^(wait|block added)/.test(line))).toEqual([
    'wait 5 0',
    `block added 2 ${testId(1)}`,
    'wait 7 2000',
    `block added 0 ${testId(2)}`,
  ])
})

it('the death of a load is told by the process after it, with how often, and its next trace is linked to it', async () => {
  const state = memoryState()
  const sink = scriptedSink()
  sink.hang(1)
  const first = await world({ list: blocks(1), sink, state })
  void first.gateway.sync()
  await first.host.advance(1_000)
  recorded.reset()
  const { gateway } = await make({ list: blocks(1), state })
  await gateway.sync()
  expect(tree('block.deaths')).toMatchInlineSnapshot(`
    "block died block.deaths=1 !error
    sync.run ~> block added
      source.scripted
    block added block.deaths=1 ~> sync.run, block died
      block.owned
        ownership.claim
        block.scripted-sink"
  `)
})

describe('the span of a load that died with its process', () => {
  const ms = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6

  /** The times of it, when this is in the journal and the process starts at `now`: begin, end, and when it was found out. */
  async function timesOf(began: unknown, at: unknown, now: number) {
    const state = memoryState()
    const document = { inFlight: [testId(1)], deaths: {}, began, at }
    await state.set('engine/loads-in-flight', JSON.parse(JSON.stringify(document)))
    const { gateway } = await make({ list: [], state, host: fakeHost({ now }) })
    await gateway.sync()
    const [died] = recorded.finished().filter(({ name }) => name === 'block died')
    expect(died?.events.map(event => event.name)).toEqual(['died while loading'])
    return died && [died.startTime, died.endTime, ...died.events.map(event => event.time)].map(ms)
  }

  it.each<[string, unknown, unknown, number[]]>([
    ['as long as the journal knows of it', { [testId(1)]: 1_000_000 }, 1_005_000, [1_000_000, 1_005_000, 2_000_000]],
    [
      'short where nothing was written after it',
      { [testId(1)]: 1_000_000 },
      1_000_000,
      [1_000_000, 1_000_000, 2_000_000],
    ],
    ['at the start where the journal is of an older version', undefined, undefined, [2_000_000, 2_000_000, 2_000_000]],
    ['at the start where the clock was set back', { [testId(1)]: 3e6 }, 3e6 + 1, [2_000_000, 2_000_000, 2_000_000]],
    ['at the start where a time is none', { [testId(1)]: '1' }, -1, [2_000_000, 2_000_000, 2_000_000]],
    ['within what a date can be', { [testId(1)]: 1_000_000 }, 1e300, [1_000_000, 1_000_000, 2_000_000]],
  ])('is %s', async (_, began, at, expected) => {
    expect(await timesOf(began, at, 2_000_000)).toEqual(expected)
  })

  it('has the times that the journal wrote', async () => {
    const state = memoryState()
    const host = fakeHost({ now: 1_000_000 })
    const sink = scriptedSink()
    sink.hang(1)
    const go = sink.gate(2)
    const first = await world({ list: blocks(1, 2), sink, state, host })
    void first.gateway.sync()
    await host.advance(4_000)
    go()
    await host.advance(1_000)
    recorded.reset()
    const { gateway } = await make({ list: [], state, host: fakeHost({ now: 2_000_000 }) })
    await gateway.sync()
    const [died] = recorded.finished().filter(({ name }) => name === 'block died')
    expect(died && [ms(died.startTime), ms(died.endTime)]).toEqual([1_000_000, 1_004_000])
  })
})

it('a block that is offered again in the same run goes on in the same trace', async () => {
  const ownership = scriptedOwnership([2])
  const sink = scriptedSink()
  const open = sink.gate(2)
  const { gateway, host } = await make({ list: blocks(1, 2), ownership, sink, concurrency: 2 })
  const run = gateway.sync()
  await host.advance(1_000)
  ownership.gain(1)
  await host.advance(1_000)
  open()
  await run
  const lines = tree('block.id').split('\n')
  const at = lines.findIndex(line => line.startsWith('block skipped not-owner'))
  expect(lines.slice(at, at + 4)).toEqual([
    `block skipped not-owner block.id=${testId(1)} ~> sync.run`,
    '  block.owned',
    '    ownership.claim',
    `  block added block.id=${testId(1)} ~> sync.run`,
  ])
})

it('a denial says on its root that it is one, and who owns the block', async () => {
  const { gateway } = await make({ list: blocks(1), ownership: scriptedOwnership([]) })
  await gateway.sync()
  const root = recorded.finished().find(({ name }) => name === 'block skipped not-owner')
  expect(root?.attributes).toMatchObject({
    'ownership.status': 'denied',
    'ownership.epoch': 1,
    'ownership.owners': ['other'],
  })
})

it('a restart does not break the chain: the next trace of a block is linked to its last one', async () => {
  const state = memoryState()
  const list = blocks(1, 2)
  const sink = scriptedSink()
  const first = await world({ list, sink, state })
  await first.gateway.sync()
  await first.gateway.stop()
  const added = recorded.finished().filter(({ name }) => name === 'block added')
  recorded.reset()
  const { gateway } = await make({ list: blocks(2), sink, state })
  await gateway.sync()
  const next = recorded.finished().find(({ name }) => name === 'block retained absent-once')
  const last = added.find(({ attributes }) => attributes['block.id'] === testId(1))
  expect(next?.links.map(({ context }) => context.spanId)).toContain(last?.spanContext().spanId)
})

it.each([
  '',
  7,
  null,
  [1],
  { x: 'y' },
  { [testId(1)]: 'x' },
  { [testId(1)]: `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01` },
])('what somebody wrote into the document of traces is left out: %j', async document => {
  const state = memoryState()
  await state.set('engine/traces', document)
  const { gateway } = await make({ list: blocks(1), state })
  await gateway.sync()
  const added = recorded.finished().find(({ name }) => name === 'block added')
  expect(added?.links).toHaveLength(1)
})

it('steps of an add, and what it writes to the disk, are events; a step that takes long is a span', async () => {
  const sink = scriptedSink()
  const inner = sink.prepare
  const open = sink.gate(2)
  let given: LocalFiles | undefined
  const writing: typeof sink = {
    ...sink,
    start: async services => {
      given = services.files
    },
    async prepare(block) {
      await given?.writeAtomic(`${block.id}/index-header`, new Uint8Array(1), block.signal)
      return inner(block)
    },
  }
  const { gateway, host } = await make({ list: blocks(1, 2), sink: writing, files: disk, concurrency: 1 })
  const run = gateway.sync()
  await host.advance(3_000)
  open()
  await run
  const [quick, slow] = recorded.finished().filter(({ name }) => name === 'block.scripted-sink')
  const eventsOf = (span: typeof quick) => span?.events.map(({ name }) => name)
  expect(eventsOf(quick)).toEqual(['journal', 'verify', 'file written and synced', 'prepare', 'verify', 'commit'])
  expect(eventsOf(slow)).toEqual(['journal', 'verify', 'file written and synced', 'verify', 'commit'])
  const prepare = recorded.finished().find(({ name }) => name === 'prepare')
  const root = recorded.finished().filter(({ name }) => name === 'block added')[1]
  expect([prepare?.duration[0], root?.duration[0]]).toEqual([3, 3])
})

it('a block that would have gone, and is kept after all, says so', async () => {
  const ownership = scriptedOwnership([1])
  const { gateway, host } = await make({ list: blocks(1), ownership })
  await gateway.start()
  ownership.lose(1)
  await host.advance(1_000)
  recorded.reset()
  ownership.gain(1)
  await host.advance(1_000)
  expect(names()).toContain('block unchanged')
})

it('a block that waits for its next try when the gateway stops says what it failed with', async () => {
  const sink = scriptedSink()
  sink.fail(1, new Error('connection reset'))
  const { gateway, host } = await make({ list: blocks(1), sink })
  const run = gateway.sync()
  await host.advance(100)
  await gateway.stop()
  await run
  expect(names()).toContain('block failed stage-failed')
})

it('an outage of the listing is one trace a loaded block, however long it lasts', async () => {
  const { gateway, host, source } = await make({ list: blocks(1, 2), every: '1m' })
  await gateway.start()
  recorded.reset()
  source.complete = false
  source.list = []
  await host.advance(1_800_000)
  source.complete = true
  source.list = blocks(1, 2)
  await host.advance(300_000)
  const told = names().filter(name => name.startsWith('block '))
  expect(told).toEqual(['block retained view-incomplete', 'block retained view-incomplete'])
})
