import type { RunProgress } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { bytesText, countText, timeText } from '../../src/contracts/text.ts'
import { Pace } from '../../src/runtime/terminal/progress.ts'
import { progressLine, Screen, showProgress } from '../../src/runtime/terminal.ts'

const ESC = '\u001b'
const CLEAR = `\r${ESC}[2K`

function fakeOutput(isTTY: boolean, columns?: number) {
  const written: string[] = []
  return { isTTY, columns, written, write: (text: string) => void written.push(text) }
}

function progress(change: Partial<RunProgress> = {}): RunProgress {
  return {
    id: 'a-1',
    startedAt: 0,
    reason: 'manual',
    seen: 50_000,
    listing: false,
    done: 12_345,
    inFlight: 32,
    failed: 0,
    bytes: 0,
    ...change,
  }
}

describe('progressLine', () => {
  it('tells blocks, time left, failures, bytes, rates and what is in flight, the most wanted first', () => {
    const rates = { blocks: 812.4, bytes: 105_000_000 }
    expect(progressLine(progress({ failed: 12, bytes: 12_345_678_901 }), 72_000, rates)).toBe(
      'manual: 12,345 of 50,000 blocks (24%), about 46 s left, 12 failed, 12.3 GB at 105.0 MB/s, 812 blocks/s, 32 in flight, 1 min 12 s',
    )
  })

  it('is short for five blocks that have just begun', () => {
    expect(progressLine(progress({ seen: 5, done: 0, inFlight: 5 }), 400, undefined)).toBe(
      'manual: 0 of 5 blocks (0%), 5 in flight, 0.4 s',
    )
  })

  it('tells neither a share nor a time that is left while the bucket is being listed', () => {
    const rates = { blocks: 4.25, bytes: 0 }
    expect(progressLine(progress({ seen: 3000, done: 20, listing: true }), 2_000, rates)).toBe(
      'manual: 20 of 3,000 seen so far, 4.3 blocks/s, 32 in flight, 2.0 s',
    )
  })

  it('tells no time that is left where nothing moves, or nothing is left', () => {
    expect(progressLine(progress(), 1, { blocks: 0, bytes: 0 })).not.toContain('left')
    expect(progressLine(progress({ done: 50_000 }), 1, { blocks: 5, bytes: 0 })).not.toContain('left')
    expect(progressLine(progress({ seen: 0, done: 0 }), 1, undefined)).toBe(
      'manual: 0 of 0 blocks, 32 in flight, 0.0 s',
    )
  })
})

describe('Pace', () => {
  const paceOf = (samples: readonly (readonly [at: number, done: number, bytes?: number])[]) => {
    const pace = new Pace()
    for (const [at, done, bytes = 0] of samples) pace.rates({ at, done, bytes })
    return pace
  }

  it('forgets the thousands that were skipped at the beginning: they say nothing of what is left', () => {
    const samples: [number, number][] = [
      [0, 0],
      [1_000, 40_000],
    ]
    for (let s = 2; s <= 21; s++) samples.push([s * 1000, 40_000 + (s - 1) * 100])
    expect(paceOf(samples).rates({ at: 21_000, done: 42_000, bytes: 0 })?.blocks).toBe(100)
  })

  it('is not swayed by the last second', () => {
    const samples = Array.from({ length: 21 }, (_, s): [number, number] => [s * 1000, s * 100])
    expect(paceOf(samples).rates({ at: 21_000, done: 3000, bytes: 0 })?.blocks).toBe(190)
  })

  it('looks farther back where few blocks take long', () => {
    const pace = paceOf([
      [0, 0],
      [60_000, 1],
      [115_000, 1],
    ])
    expect(pace.rates({ at: 120_000, done: 2, bytes: 240_000 })).toEqual({ blocks: 2 / 120, bytes: 2000 })
  })

  it('knows nothing in the first second', () => {
    expect(paceOf([[0, 0]]).rates({ at: 900, done: 5, bytes: 5 })).toBe(undefined)
    expect(new Pace().rates({ at: 5_000, done: 1, bytes: 0 })).toBe(undefined)
  })

  it('is never below zero: a block that is tried again is no longer done', () => {
    const pace = paceOf([[0, 3, 500]])
    expect(pace.rates({ at: 2_000, done: 2, bytes: 400 })).toEqual({ blocks: 0, bytes: 0 })
  })
})

describe('Screen', () => {
  it('keeps the live line below what is written', () => {
    const output = fakeOutput(true)
    const screen = new Screen(output, {})
    screen.draw('working')
    screen.write('a line\n')
    screen.clear()
    screen.clear()
    screen.write('the end\n')
    expect(output.written).toEqual([`${CLEAR}working`, CLEAR, 'a line\n', `${CLEAR}working`, CLEAR, 'the end\n'])
  })

  it('cuts the live line to the width of the terminal', () => {
    const output = fakeOutput(true, 10)
    new Screen(output, {}).draw('0123456789abc')
    expect(output.written).toEqual([`${CLEAR}012345678`])
  })

  it.each([
    ['no terminal', fakeOutput(false), {}],
    ['a dumb terminal', fakeOutput(true), { TERM: 'dumb' }],
  ])('draws nothing on %s', (_, output, env) => {
    const screen = new Screen(output, env)
    screen.draw('working')
    screen.write('a line\n')
    screen.clear()
    expect(output.written).toEqual(['a line\n'])
  })
})

describe('showProgress', () => {
  it('draws the line of the run that goes on, again and again, and clears it when there is none', async () => {
    const [host, output] = [fakeHost(), fakeOutput(true)]
    const gateway: { progress: RunProgress | undefined } = { progress: progress({ seen: 5, done: 1 }) }
    const shown = showProgress(gateway, { output, host, env: {} })
    await host.advance(100)
    gateway.progress = progress({ seen: 5, done: 2 })
    await host.advance(100)
    gateway.progress = undefined
    await host.advance(100)
    expect(output.written).toEqual([
      `${CLEAR}manual: 1 of 5 blocks (20%), 32 in flight, 0.0 s`,
      `${CLEAR}manual: 2 of 5 blocks (40%), 32 in flight, 0.1 s`,
      CLEAR,
    ])
    shown[Symbol.dispose]()
    expect(host.pendingTimers).toBe(0)
  })

  it('prints a plain line after a second, and then every five, where there is no terminal', async () => {
    const [host, output] = [fakeHost(), fakeOutput(false)]
    const shown = showProgress({ progress: progress({ seen: 5, done: 1, inFlight: 4 }) }, { output, host, env: {} })
    await host.advance(5_999)
    expect(output.written).toEqual(['manual: 1 of 5 blocks (20%), 4 in flight, 0.0 s\n'])
    await host.advance(1)
    expect(output.written[1]).toBe('manual: 1 of 5 blocks (20%), 0.0 blocks/s, 4 in flight, 5.0 s\n')
    shown[Symbol.dispose]()
    await host.advance(60_000)
    expect(output.written).toHaveLength(2)
  })

  it('hands the progress to onPlain instead of printing it', async () => {
    const [host, output] = [fakeHost(), fakeOutput(false)]
    const told: number[] = []
    const options = { output, host, env: {}, onPlain: (p: RunProgress) => told.push(p.done) }
    const shown = showProgress({ progress: progress() }, options)
    await host.advance(1_000)
    shown[Symbol.dispose]()
    expect([told, output.written]).toEqual([[12_345], []])
  })

  it('counts the time of the second run from its own beginning', async () => {
    const [host, output] = [fakeHost(), fakeOutput(false)]
    const gateway = { progress: progress({ id: 'a-1' }) }
    const shown = showProgress(gateway, { output, host, env: {} })
    await host.advance(6_000)
    gateway.progress = progress({ id: 'a-2' })
    await host.advance(5_000)
    shown[Symbol.dispose]()
    expect(output.written.at(-1)).toContain('32 in flight, 0.0 s\n')
  })
})

describe('numbers for a person', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [12_345_678_901, '12.3 GB'],
    [5e18, '5000.0 PB'],
  ])('%d bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))

  it.each([
    [0, '0.0 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [59_499, '59 s'],
    [59_500, '1 min 0 s'],
    [3_599_400, '59 min 59 s'],
    [3_599_500, '1 h 0 min'],
    [93_784_000, '1 d 2 h'],
  ])('%d ms are %s', (ms, text) => expect(timeText(ms)).toBe(text))

  it('counts have commas', () => {
    expect([0, 999, 1000, 50_000, 1_234_567].map(countText)).toEqual(['0', '999', '1,000', '50,000', '1,234,567'])
  })
})
