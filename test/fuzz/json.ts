/** Damages a document of JSON: its text, or some values in it, so that what reads it sees more than a syntax error. */
import type { Chance } from './chance.ts'
import { damaged } from './damage.ts'

const ODD: readonly unknown[] = [
  null,
  true,
  '',
  'a',
  '../../a',
  '\u0000',
  -1,
  0,
  0.5,
  1,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e300,
  {},
  [],
  [null],
  ['a'],
  '9'.repeat(400),
]

type Place = readonly [holder: Record<string, unknown>, key: string]

export function damagedJson(document: unknown, chance: Chance): Uint8Array {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  if (chance.below(3) === 0) return damaged(bytes(document), chance)
  const copy = structuredClone(document)
  for (let left = 1 + chance.below(3); left > 0; left--) {
    const [holder, key] = chance.pick(placesOf(copy))
    const [other, otherKey] = chance.pick(placesOf(copy))
    const value = holder[key]
    const way = chance.below(8)
    if (way === 0) delete holder[key]
    else if (way === 1) holder[chance.pick(['__proto__', 'a', '0'])] = structuredClone(chance.pick(ODD))
    else if (way < 4) holder[key] = structuredClone(other[otherKey])
    else if (way < 6 && typeof value === 'number') holder[key] = value + chance.pick([-1, 1, 100, 2 ** 31])
    else holder[key] = structuredClone(chance.pick(ODD))
  }
  return bytes(copy)
}

/** Every value that is in another one. A value may be nested deeper than the stack is. */
function placesOf(value: unknown): readonly Place[] {
  const places: Place[] = []
  const open = [value]
  for (let at = 0; at < open.length; at++) {
    const holder = open[at] as Record<string, unknown>
    if (typeof holder !== 'object' || holder === null) continue
    const keys = Object.keys(holder)
    for (const key of keys) {
      places.push([holder, key])
      open.push(holder[key])
    }
    if (keys.length === 0) places.push([holder, 'a'])
  }
  return places
}
