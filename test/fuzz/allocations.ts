/** The buffers that are asked for, by whatever constructor: these are replaced for the time of a run. */

const BUFFERS = [
  'ArrayBuffer',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Float64Array',
] as const

export interface Allocations extends Disposable {
  /** Bytes of all of them since the last reset(). */
  readonly bytes: number
  reset(): void
}

export function watchAllocations(): Allocations {
  let bytes = 0
  const globals = globalThis as unknown as Record<string, object>
  const originals = new Map<string, object>()
  for (const name of BUFFERS) {
    const original = globals[name] as unknown as Uint8ArrayConstructor
    const size = original.BYTES_PER_ELEMENT ?? 1
    originals.set(name, original)
    globals[name] = new Proxy(original, {
      construct(target, args: unknown[], newTarget) {
        const [asked] = args
        const count =
          typeof asked === 'number' ? asked : ArrayBuffer.isView(asked) || Array.isArray(asked) ? lengthOf(asked) : 0
        // Also one that cannot be had.
        bytes += count * size
        return Reflect.construct(target, args, newTarget)
      },
    })
  }
  const arrayFrom = Array.from
  Array.from = ((...args: Parameters<typeof Array.from>) => {
    bytes += 8 * lengthOf(args[0])
    return arrayFrom.apply(Array, args)
  }) as typeof Array.from
  return {
    get bytes() {
      return bytes
    },
    reset() {
      bytes = 0
    },
    [Symbol.dispose]() {
      for (const [name, original] of originals) globals[name] = original
      Array.from = arrayFrom
    },
  }
}

function lengthOf(list: unknown): number {
  const { length } = list as { readonly length?: unknown }
  return typeof length === 'number' ? length : 0
}
