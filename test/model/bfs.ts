/** Breadth first through every state of a model, so that the first story found is a shortest one. */

/** States are strings: equal strings are the same state. */
export interface Model {
  readonly initial: string
  /** Calls `emit` once for each step that `state` allows. `broken` says in words which invariant the step broke. */
  next(state: string, emit: (label: string, next: string, broken?: string) => void): void
}

export interface Story {
  readonly steps: readonly string[]
  /** What is wrong at the end of it. */
  readonly broken: string
}

export interface Exploration {
  readonly states: number
  /** Steps to the farthest state. */
  readonly depth: number
  /** A shortest one; undefined where every state was seen and none is broken. */
  readonly story?: Story
}

/**
 * Sees every state that can be reached, up to the first broken one. With `goal` it then asks whether the goal can still be
 * reached from each of them; the story leads to a nearest state from which it cannot.
 *
 * @throws Error where there are more than `bound` states: a part of the states proves nothing.
 */
export function explore(model: Model, bound: number, goal?: (state: string) => boolean): Exploration {
  const states = [model.initial]
  const index = new Map([[model.initial, 0]])
  const parents = [-1]
  const labels = ['']
  const depths = [0]
  /** Pairs of state and successor; kept for `goal` alone. */
  const edges: number[] = []
  let broken: Story | undefined

  const storyTo = (state: number, last?: string): string[] => {
    const steps = last === undefined ? [] : [last]
    for (let at = state; at > 0; at = parents[at] as number) steps.unshift(labels[at] as string)
    return steps
  }

  for (let at = 0; at < states.length; at++) {
    model.next(states[at] as string, (label, next, why) => {
      if (broken) return
      if (why !== undefined) broken = { steps: storyTo(at, label), broken: why }
      let known = index.get(next)
      if (known === undefined) {
        known = states.length
        index.set(next, known)
        states.push(next)
        parents.push(at)
        labels.push(label)
        depths.push((depths[at] as number) + 1)
      }
      if (goal) edges.push(at, known)
    })
    if (broken) break
    if (states.length > bound) throw new Error(`states must be <= ${bound}: current value is ${states.length}`)
  }

  const seen = { states: states.length, depth: depths.at(-1) as number }
  if (broken) return { ...seen, story: broken }
  const stuck = goal ? hopeless(states, edges, goal) : -1
  return stuck < 0 ? seen : { ...seen, story: { steps: storyTo(stuck), broken: 'the goal is out of reach' } }
}

/**
 * Where a story leads.
 * @throws Error where the model does not allow a step of it.
 */
export function replay(model: Model, story: readonly string[]): { readonly state: string; readonly broken?: string } {
  let at: { readonly state: string; readonly broken?: string } = { state: model.initial }
  for (const step of story) {
    let found: typeof at | undefined
    model.next(at.state, (label, state, broken) => {
      if (label === step) found = broken === undefined ? { state } : { state, broken }
    })
    if (!found) throw new Error(`must be a step that the model allows here: current value is ${step}`)
    at = found
  }
  return at
}

/** The first state from which no step leads on to a goal; -1 where there is none. */
function hopeless(states: readonly string[], edges: readonly number[], goal: (state: string) => boolean): number {
  const before: number[][] = states.map(() => [])
  for (let at = 0; at < edges.length; at += 2) before[edges[at + 1] as number]?.push(edges[at] as number)
  const reaches = states.map(goal)
  const queue = states.flatMap((_, at) => (reaches[at] ? [at] : []))
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    for (const from of before[at] as number[]) {
      if (reaches[from]) continue
      reaches[from] = true
      queue.push(from)
    }
  }
  return reaches.indexOf(false)
}
