import { expect, it } from 'vitest'
import { everything, synced } from '../support/syncs.ts'
import { blocks, scriptedOwnership, scriptedSink, world } from '../support/world.ts'

it('is ready after the first run in which every block got a verdict, also where some failed, and stays so', async () => {
  const sink = scriptedSink()
  sink.fail(1, ...Array.from({ length: 8 }, () => new Error('no')))
  const { gateway, host, source } = await world({ list: blocks(1, 2), sink })
  expect(gateway.readiness).toEqual({ ready: false, stopping: false, reason: 'the first run has not ended' })
  const first = gateway.start()
  await host.advance(120_000)
  await first
  expect(gateway.readiness).toEqual({ ready: true, stopping: false, reason: 'every block had a verdict' })
  source.error = new Error('the bucket is gone')
  expect((await gateway.sync()).status).toBe('failed')
  expect(gateway.readiness.ready).toBe(true)
  await gateway.stop()
  expect(gateway.readiness).toEqual({ ready: false, stopping: true, reason: 'the gateway is stopping' })
})

it('is not ready after a run that saw only a part of the bucket', async () => {
  const { gateway, source } = await world({ list: blocks(1) })
  source.complete = false
  await gateway.sync()
  expect(gateway.readiness).toEqual({
    ready: false,
    stopping: false,
    reason: 'no run so far gave every block a verdict: the source did not see everything',
  })
  source.complete = true
  await gateway.sync()
  expect(gateway.readiness.ready).toBe(true)
})

it('is not ready while nobody knows who owns a block', async () => {
  const ownership = scriptedOwnership()
  ownership.unavailable = true
  const { gateway } = await world({ list: blocks(1), ownership })
  await gateway.sync()
  expect(gateway.readiness.ready).toBe(false)
  ownership.unavailable = false
  await gateway.sync()
  expect(gateway.readiness.ready).toBe(true)
})

it('says that a run failed', async () => {
  const { gateway, source } = await world({ list: blocks(1) })
  source.error = new Error('the bucket is gone')
  await gateway.sync()
  expect(gateway.readiness).toEqual({
    ready: false,
    stopping: false,
    reason: 'no run was done so far: the last one failed: the bucket is gone',
  })
})

it('is ready at once where others serve what is assigned to it, while its own loads still go on', async () => {
  const ownership = scriptedOwnership([1, 2])
  const { gateway, host, sink } = await world({ list: blocks(1, 2, 3), ownership })
  const open = [sink.gate(1), sink.gate(2)]
  const first = gateway.start()
  await host.advance(10)
  expect(gateway.readiness.ready).toBe(false)
  ownership.servedByOthers.add(1).add(2)
  ownership.othersLive = false
  expect(gateway.readiness.ready).toBe(false)
  ownership.othersLive = true
  expect(gateway.readiness.ready).toBe(true)
  // A latch: that the others go takes nothing back.
  ownership.servedByOthers.clear()
  expect(gateway.readiness.ready).toBe(true)
  for (const release of open) release()
  await first
})

it('a look at many blocks goes on in steps, and a probe asks for the one that is missed', async () => {
  const numbers = Array.from({ length: 1_000 }, (_, i) => i + 1)
  const ownership = scriptedOwnership(numbers)
  const owners = ownership.handover?.owners
  let asked = 0
  Object.assign(ownership.handover ?? {}, {
    owners: (block: Parameters<NonNullable<typeof owners>>[0]) => {
      asked++
      return owners?.(block)
    },
  })
  // Behind a set stage: the listing has ended when the first block is offered.
  const { gateway, host, sink } = await world({
    list: blocks(...numbers),
    stages: [everything],
    ownership,
    concurrency: 1,
  })
  const open = sink.gate(1)
  for (const n of numbers) if (n !== 700) ownership.servedByOthers.add(n)
  const first = gateway.start()
  while (!sink.log.includes('prepare 1')) await host.advance(1)
  const most = async (work: () => unknown) => {
    asked = 0
    await work()
    return asked
  }
  // Never all of them at once, and some 200 each time, until it comes to the one.
  for (let i = 0; i < 10; i++) expect(await most(() => gateway.readiness)).toBeLessThanOrEqual(200)
  expect(await most(() => gateway.readiness)).toBe(1)
  expect(await most(() => host.advance(60_000))).toBeLessThan(100)
  expect(gateway.readiness.ready).toBe(false)
  ownership.servedByOthers.add(700)
  // It goes once round the list, without a second between the steps.
  expect(await most(() => host.advance(1_100))).toBeGreaterThanOrEqual(1_000)
  expect(gateway.readiness.ready).toBe(true)
  open()
  await first
})

it.each([['no set stage'], ['a set stage']])(
  'is not ready by a listing with %s that saw a part, while its loads go on',
  async kind => {
    const ownership = scriptedOwnership([1])
    const stages = kind === 'a set stage' ? [everything] : []
    const { gateway, host, sink, source } = await world({ list: blocks(1), stages, ownership })
    source.complete = false
    const open = sink.gate(1)
    ownership.servedByOthers.add(1)
    const first = gateway.start()
    await host.advance(10)
    expect(gateway.progress?.inFlight).toBe(1)
    expect(gateway.readiness.ready).toBe(false)
    open()
    await first
  },
)

it('is not ready before the whole bucket was listed, whatever others serve', async () => {
  const ownership = scriptedOwnership([1])
  ownership.servedByOthers.add(1)
  const { gateway, host, source } = await world({ list: blocks(1), ownership })
  source.complete = false
  await gateway.sync()
  await host.advance(10)
  expect(gateway.readiness.ready).toBe(false)
})

it('is not ready after the first run where ownership moved during it, but after the run for the difference', async () => {
  const ownership = scriptedOwnership([1])
  const { gateway, host, sink } = await world({ list: blocks(1, 2), ownership })
  const open = sink.gate(1)
  const late = sink.gate(2)
  const first = gateway.start()
  await host.advance(10)
  ownership.gain(2)
  await host.advance(10)
  open()
  await host.advance(10)
  expect(gateway.readiness.ready).toBe(false)
  late()
  await first
  await host.advance(1_000)
  expect(gateway.readiness.ready).toBe(true)
})

it('is ready after two runs for the difference, however often ownership moves', async () => {
  const ownership = scriptedOwnership([], { handover: false })
  const { gateway } = await world({ list: blocks(1), ownership })
  // Every claim moves the epoch again: no run ends in the epoch in which it began.
  ownership.onClaim = () => ownership.tick()
  const ready: boolean[] = []
  for (let i = 0; i < 3; i++) {
    await gateway.sync()
    ready.push(gateway.results.length > 0 && settledOf(gateway.readiness.reason))
  }
  expect(ready).toEqual([false, false, true])
})

const settledOf = (reason: string) => reason === 'every block had a verdict'

it.each([
  ['superseded', false, 'a newer process has the id of this gateway'],
  ['leaving', true, 'every block had a verdict'],
  ['alone', true, 'every block had a verdict'],
] as const)('settled, and %s: %s', async (standing, ready, reason) => {
  const ownership = scriptedOwnership([1])
  const { gateway } = await synced({ list: blocks(1), ownership })
  ownership.standing = standing
  expect(gateway.readiness).toMatchObject({ ready, reason })
})

it('is unready once a drain has let go of everything, and ready again when the drain is cancelled', async () => {
  const ownership = scriptedOwnership([1])
  const { gateway } = await synced({ list: blocks(1), ownership })
  ownership.standing = 'leaving'
  ownership.servedByOthers.add(1)
  ownership.lose(1)
  await gateway.sync()
  expect(gateway.readiness).toMatchObject({ ready: false, reason: 'drained: others serve every block' })
  ownership.standing = 'member'
  expect(gateway.readiness.ready).toBe(true)
})

it('is ready while the member store cannot be reached since the start, with what is held, and says what it does not know', async () => {
  const ownership = scriptedOwnership([1])
  ownership.unavailable = true
  const { gateway, sink, host } = await world({ list: blocks(1, 2), ownership })
  sink.hold(...blocks(1))
  await gateway.sync()
  expect(gateway.readiness.ready).toBe(false)
  ownership.standing = 'alone'
  const reason =
    'the member store cannot be reached: what is held is served, and which other blocks belong here is not known'
  expect(gateway.readiness).toMatchObject({ ready: true, partial: true, reason })
  expect(host.lines.find(line => line.message === reason)).toMatchObject({ level: 'warn', fields: { blocks: 1 } })
  // A latch: that the store is back, and nobody knows the owners yet, takes nothing back.
  ownership.standing = 'member'
  expect(gateway.readiness.ready).toBe(true)
  expect(ownership.log).toContain('ready')
})

it('is not ready with nothing held while the member store cannot be reached since the start', async () => {
  const ownership = scriptedOwnership([1])
  ownership.unavailable = true
  ownership.standing = 'alone'
  const { gateway } = await synced({ list: blocks(1), ownership })
  expect(gateway.readiness).toMatchObject({
    ready: false,
    reason: 'the member store cannot be reached and no block is held: which blocks belong here is not known',
  })
  expect(ownership.log).not.toContain('ready')
  ownership.unavailable = false
  await gateway.sync()
  expect(gateway.readiness).toMatchObject({ ready: true, reason: 'every block had a verdict' })
})

it('tells the ownership plugin that nobody may rely on it, from before the start until it is ready, and from the stop on', async () => {
  const ownership = scriptedOwnership([1, 2])
  const { gateway, host, sink } = await world({ list: blocks(1, 2), ownership })
  const tells = () => ownership.log.filter(l => l.endsWith('ready') || l.startsWith('publish'))
  const open = sink.gate(1)
  const first = gateway.start()
  await host.advance(10_000)
  expect(tells()).toEqual(['not ready', 'publish '])
  // Ready by what others serve: it is seen without anybody asking.
  ownership.servedByOthers.add(1)
  await host.advance(1_000)
  expect(tells()).toEqual(['not ready', 'publish ', 'ready'])
  open()
  await first
  await gateway.stop()
  expect(tells()).toEqual(['not ready', 'publish ', 'ready', 'not ready'])
  expect(host.pendingTimers).toBe(0)
})

it('leaves no timer behind where it stops before it was ready', async () => {
  const ownership = scriptedOwnership([1])
  ownership.unavailable = true
  const { gateway, host } = await world({ list: blocks(1), ownership })
  await gateway.start()
  await host.advance(3_000)
  await gateway.stop()
  expect(host.pendingTimers).toBe(0)
  // Nor does it say that it may be relied on, whatever is known after it.
  ownership.unavailable = false
  ownership.servedByOthers.add(1)
  expect(gateway.readiness.stopping).toBe(true)
  expect(ownership.log).not.toContain('ready')
})

it('names what is not known about the owners, before the first run has ended and after it', async () => {
  const ownership = scriptedOwnership()
  ownership.unavailable = true
  Object.assign(ownership.handover ?? {}, { unknown: () => 'Redis at x: entries failed: WRONGPASS' })
  const { gateway } = await world({ list: blocks(1), ownership })
  const why = ': Redis at x: entries failed: WRONGPASS'
  expect(gateway.readiness.reason).toBe(`the first run has not ended${why}`)
  await gateway.sync()
  expect(gateway.readiness.reason).toBe(`no run so far gave every block a verdict${why}`)
})
