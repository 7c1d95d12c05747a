import { describe, expect, it } from 'vitest'
import { type Label, withExternal } from '../../src/query/labels.ts'
import { LabelBytes } from '../../src/query/remote-read/label-bytes.ts'

describe('external labels', () => {
  const own: readonly Label[] = [
    ['__name__', 'up'],
    ['constructor', 'c'],
    ['job', 'a'],
    ['toString', 't'],
  ]

  it('come in by their names, and win', () => {
    const external = { zone: 'z', job: 'b', a: '1', empty: '', _: '0' }
    expect(withExternal(own, external)).toEqual([
      ['_', '0'],
      ['__name__', 'up'],
      ['a', '1'],
      ['constructor', 'c'],
      ['job', 'b'],
      ['toString', 't'],
      ['zone', 'z'],
    ])
  })

  it('are the same for the next series, and none change nothing', () => {
    const external = { b: '2', a: '1' }
    const all = [
      ['a', '1'],
      ['b', '2'],
    ]
    expect([withExternal([], external), withExternal([['b', 'x']], external)]).toEqual([all, all])
    expect(withExternal(own, {})).toBe(own)
    expect(withExternal(own, { job: '' })).toEqual(own)
  })
})

describe('labels of one series after another', () => {
  const encodedAnew = (labels: readonly Label[]) => written(new LabelBytes(), labels)
  const written = (bytes: LabelBytes, labels: readonly Label[]) => {
    bytes.set(labels)
    const view = new DataView(new ArrayBuffer(bytes.length + 3))
    expect(bytes.put(view, 3)).toBe(bytes.length + 3)
    return [...new Uint8Array(view.buffer, 3)]
  }

  it('are encoded as each by itself', () => {
    const [name, job] = [
      ['__name__', 'up'],
      ['job', 'ä'.repeat(100)],
    ] as const satisfies readonly Label[]
    const sets: readonly (readonly Label[])[] = [
      [name],
      [name, job],
      [name, job, ['zone', '']],
      [name, ['job', 'b'], job],
      [],
      [['__name__', 'up'], job],
      [job, name],
      [name, ['x', 'y'.repeat(20_000)], job],
      [name, ['x', 'z'], job],
    ]
    const bytes = new LabelBytes()
    for (const labels of sets) expect(written(bytes, labels)).toEqual(encodedAnew(labels))
    expect(encodedAnew([['a', 'bc']])).toEqual([10, 7, 10, 1, 97, 18, 2, 98, 99])
  })
})
