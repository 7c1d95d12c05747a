/** Virtual time: one queue of events. Between two events every promise that can settle has settled. */
import { hashText } from './random.ts'

interface Event {
  readonly at: number
  readonly order: number
  readonly label: string
  fn: (() => void) | undefined
}

export class Scheduler {
  /** True time in ms since the start of the simulation. No member reads it: each has clocks of its own. */
  now = 0
  /** Events that happened. */
  events = 0
  /** Of everything that happened so far, in its order: the same for the same seed. */
  hash = 0x811c9dc5
  /** What the event that happens now is called. */
  label = ''
  readonly #heap: Event[] = []
  #order = 0

  /** Runs `fn` as an event of its own, `ms` from now. Disposing it cancels it. */
  after(ms: number, label: string, fn: () => void): Disposable {
    const event: Event = { at: this.now + Math.max(0, ms), order: this.#order++, label, fn }
    this.#push(event)
    return {
      [Symbol.dispose]() {
        event.fn = undefined
      },
    }
  }

  /** Resolves after `ms`. */
  sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.after(ms, 'story', resolve)
    })
  }

  /** Lets events happen until `done`, or until nothing is left to happen. `check` runs after each of them. */
  async run(done: () => boolean, check: () => void): Promise<void> {
    await drained()
    while (!done()) {
      const event = this.#pop()
      if (!event) return
      const { fn } = event
      if (!fn) continue
      event.fn = undefined
      this.now = event.at
      this.label = event.label
      this.events++
      this.mix(event.label)
      this.mix(String(event.at))
      fn()
      await drained()
      check()
    }
  }

  /** Makes `text` part of the hash. */
  mix(text: string): void {
    this.hash = hashText(text, this.hash)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, heap[parent])) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child])) child++
      if (!before(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
    return first
  }
}

function before(a: Event, b: Event | undefined): boolean {
  return b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order))
}

/** An immediate runs when no microtask is left, however long the chains were. Nothing here waits for real time. */
function drained(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
