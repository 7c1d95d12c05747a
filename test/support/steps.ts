/** Counts what a loop over many blocks cannot do without: steps of iterators, look-ups in maps and sets, items of lists. */

/** So many times as often as in other lists: a sort compares. */
const OF_A_SORT = 10
const KEYED = ['get', 'set', 'has', 'add', 'delete'] as const
const LISTED = ['map', 'filter', 'flatMap', 'forEach', 'some', 'every', 'find', 'reduce'] as const

type Methods = Record<string, ((...args: unknown[]) => unknown) | undefined>

export interface Steps extends Disposable {
  count: number
}

/** From now on, until it is disposed; of everything in this process. */
export function countSteps(): Steps {
  const undo: (() => void)[] = []
  const steps = {
    count: 0,
    [Symbol.dispose]() {
      for (const put of undo) put()
    },
  }
  const patch = (prototype: object, name: string, weight: (self: unknown) => number) => {
    const methods = prototype as Methods
    const method = methods[name]
    if (!method || !Object.hasOwn(prototype, name)) return
    methods[name] = function (this: unknown, ...args) {
      steps.count += weight(this)
      return method.apply(this, args)
    }
    undo.push(() => (methods[name] = method))
  }
  const one = () => 1
  for (const keyed of [Map.prototype, Set.prototype]) for (const name of KEYED) patch(keyed, name, one)
  for (const made of [[].values(), new Map().values(), new Set().values()]) {
    patch(Object.getPrototypeOf(made) as object, 'next', one)
  }
  const length = (self: unknown) => (self as readonly unknown[]).length
  for (const name of LISTED) patch(Array.prototype, name, length)
  patch(Array.prototype, 'sort', self => OF_A_SORT * length(self))
  return steps
}
