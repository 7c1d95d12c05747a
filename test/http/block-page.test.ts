import { type BlockStage, skip } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { BlockDetails } from '../../src/http/schema/answers.ts'
import { owner } from '../support/ring.ts'
import { blocks, scriptedOwnership, scriptedSink } from '../support/world.ts'
import { appWorld } from './app-world.ts'

const odd: BlockStage = {
  kind: 'block',
  name: 'odd-one',
  handle: async (block, next) => (block.id === testId(1) ? skip('too-odd', { detail: 'it has one horn' }) : next()),
}
/** The texts of the cells of a table's rows. */
const rows = (page: string, name: string) => {
  const [, body = ''] = new RegExp(`aria-label="${name}".*?<tbody>(.*?)</tbody>`, 's').exec(page) ?? []
  return [...body.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row = '']) =>
    [...row.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell = '']) =>
      cell
        .replace(/<[^>]+>/g, ' ')
        .trim()
        .replace(/ +/g, ' '),
    ),
  )
}

describe('the page of a block', () => {
  it('says in one sentence why the block is not served here, and which stage stopped it', async () => {
    const { text, gateway } = await appWorld({ list: blocks(1), stages: [odd] })
    await gateway.sync()
    const page = await text(`/blocks/${testId(1)}`)
    expect(page).toContain('Not served here, me: odd-one says too-odd: it has one horn.')
    expect(rows(page, 'Stages')).toEqual([
      ['scripted source', 'passed', '–', '–'],
      ['odd-one block', 'skipped', 'too-odd it has one horn', '–'],
      ['owned everything', 'not reached', '–', '–'],
      ['scripted-sink sink', 'not reached', '–', '–'],
    ])
  })

  it('says since when it is served here, how long its load took, and how long each state lasted', async () => {
    const sink = scriptedSink()
    const open = sink.gate(2)
    const ownership = scriptedOwnership([])
    const { text, json, gateway, host } = await appWorld({ list: blocks(2), ownership, sink })
    await gateway.sync()
    await host.advance(60_000)
    ownership.gain(2)
    const run = gateway.sync()
    await host.advance(3_000)
    expect(await text(`/blocks/${testId(2)}`)).toMatch(/It is being loaded here, me, for \d\.\d s/)
    open()
    await host.advance(7_000)
    await run
    const page = await text(`/blocks/${testId(2)}`)
    const { history } = (await json<BlockDetails>(`/api/v1/blocks/${testId(2)}`)).body
    const { loadMs = 0, at } = history.at(-1) ?? { at: 0 }
    expect(loadMs).toBeGreaterThan(0)
    expect(history[0]).not.toHaveProperty('loadMs')
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
    expect(page).toContain(`Served here, me, since ${seconds(host.now() - at)} ago.`)
    expect(rows(page, 'Stages').at(-1)).toEqual(['scripted-sink sink', 'serving', 'added', seconds(loadMs)])
    const life = rows(page, 'Life')
    expect(life.map(([, what]) => what).slice(-2)).toEqual(['skipped', 'added'])
    expect(life.at(-1)?.[3]).toContain(`the load took ${seconds(loadMs)}`)
    expect(life.at(-1)?.[5]).toBe(`${seconds(host.now() - at)}, still`)
    await gateway.stop()
  })

  it('leads to the same block on each other gateway whose address is known, and to nothing else', async () => {
    const plugin = scriptedOwnership([1])
    const all = [owner('me'), owner('gw-2', { rank: 1 }), owner('gw-3', { rank: 2 })]
    const at = (id: string, address: string | undefined) =>
      ({ id, zone: undefined, address, state: 'active', heartbeatAge: 0 }) as const
    const handover = {
      ...plugin.handover,
      owners: () => all,
      members: () => [at('me', undefined), at('gw-2', 'http://gw-2:8080/'), at('gw-3', 'javascript:alert(1)')],
    }
    const { text, gateway } = await appWorld({ list: blocks(1), ownership: Object.assign(plugin, { handover }) })
    await gateway.sync()
    const page = await text(`/blocks/${testId(1)}`)
    expect(page).toContain(`<a href="http://gw-2:8080/blocks/${testId(1)}" rel="noreferrer">gw-2</a>`)
    expect(page).not.toContain('javascript:')
    expect(page.replace(/<[^>]+>/g, '')).toContain('gw-2, gw-3 serve it; the page there says since when.')
    expect(rows(page, 'Owners').map(([rank, name]) => `${rank} ${name}`)).toEqual([
      '1 me this gateway',
      '2 gw-2',
      '3 gw-3',
    ])
  })
})
