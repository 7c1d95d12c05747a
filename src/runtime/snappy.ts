/** Snappy's block format, for Node and Deno: the WebAssembly of `snappy-wasm`. */
import { createRequire } from 'node:module'
import type { Snappy } from '../query/remote-read/request.ts'

interface SnappyWasm {
  compress_raw(bytes: Uint8Array): Uint8Array<ArrayBuffer>
  decompress_raw(bytes: Uint8Array): Uint8Array<ArrayBuffer>
}

let loaded: SnappyWasm | undefined

/** Loaded when it is used first: its own entry for Node compiles the module from the disk. */
function wasm(): SnappyWasm {
  loaded ??= createRequire(import.meta.url)('snappy-wasm') as SnappyWasm
  return loaded
}

export const snappy: Snappy = {
  compress: bytes => wasm().compress_raw(bytes),
  uncompress: bytes => wasm().decompress_raw(bytes),
}
