/** A map of as many blocks as a bucket has, that grows without holding up the event loop. */
import type { BlockId } from './block.ts'

/** Fewer entries are one part, in the order in which they came. */
const SMALL = 4_096
const PARTS = 64

/**
 * A Map that grows copies all it has: 13 ms of CPU at 262,144 entries. All maps of blocks grow at the same block, so a run would
 * stand still for the sum of them. This one has many parts, of which one grows at a time; the order of a large one is its own.
 */
export class BlockMap<V> extends Map<BlockId, V> {
  /** Undefined while it is small: then the map itself has everything. */
  #parts: readonly Map<BlockId, V>[] | undefined
  /** Of all parts. */
  #size = 0

  override get(id: BlockId): V | undefined {
    return this.#parts ? this.#part(this.#parts, id).get(id) : super.get(id)
  }

  override has(id: BlockId): boolean {
    return this.#parts ? this.#part(this.#parts, id).has(id) : super.has(id)
  }

  override set(id: BlockId, value: V): this {
    if (!this.#parts && super.size >= SMALL) this.#split()
    if (!this.#parts) return super.set(id, value)
    const part = this.#part(this.#parts, id)
    const before = part.size
    part.set(id, value)
    this.#size += part.size - before
    return this
  }

  override delete(id: BlockId): boolean {
    if (!this.#parts) return super.delete(id)
    const was = this.#part(this.#parts, id).delete(id)
    if (was) this.#size--
    return was
  }

  override clear(): void {
    this.#parts = undefined
    super.clear()
  }

  override get size(): number {
    return this.#parts ? this.#size : super.size
  }

  override [Symbol.iterator](): MapIterator<[BlockId, V]> {
    return this.entries()
  }

  override entries(): MapIterator<[BlockId, V]> {
    return this.#parts ? (all(this.#parts, part => part.entries()) as MapIterator<[BlockId, V]>) : super.entries()
  }

  override keys(): MapIterator<BlockId> {
    return this.#parts ? (all(this.#parts, part => part.keys()) as MapIterator<BlockId>) : super.keys()
  }

  override values(): MapIterator<V> {
    return this.#parts ? (all(this.#parts, part => part.values()) as MapIterator<V>) : super.values()
  }

  override forEach(fn: (value: V, id: BlockId, map: Map<BlockId, V>) => void): void {
    for (const [id, value] of this.entries()) fn(value, id, this)
  }

  #split(): void {
    const parts = Array.from({ length: PARTS }, () => new Map<BlockId, V>())
    for (const [id, value] of super.entries()) this.#part(parts, id).set(id, value)
    this.#size = super.size
    super.clear()
    this.#parts = parts
  }

  /** By the end of the ULID's time and the end of its random part: in a bucket either may be the same for all. */
  #part(parts: readonly Map<BlockId, V>[], id: BlockId): Map<BlockId, V> {
    const hash = id.charCodeAt(25) + 7 * id.charCodeAt(24) + 13 * id.charCodeAt(9) + 29 * id.charCodeAt(8)
    return parts[hash % PARTS || 0] as Map<BlockId, V>
  }
}

function* all<V, T>(
  parts: readonly Map<BlockId, V>[],
  of: (part: Map<BlockId, V>) => Iterable<T>,
): Generator<T, undefined> {
  for (const part of parts) for (const item of of(part)) yield item
}
