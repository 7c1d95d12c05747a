/**
 * Deno, over its Node compatibility: files, state and the HTTP server are those of Node. What each asks for stands in
 * docs/deno.md.
 */
import type { Host } from '../contracts/host.ts'
import { type NodeHostOptions, nodeHost, nodeLog } from './node.ts'

export { fileState, type LockOptions, localFiles, lockFolder } from './node.ts'

export type DenoHostOptions = NodeHostOptions

/**
 * Clocks, timers, randomness and the log of this process. It reads no environment variable, so it needs no permission: Deno
 * itself says whether the log may have colours.
 */
export function denoHost(options: DenoHostOptions = {}): Host {
  const { Deno } = globalThis as { readonly Deno?: { readonly noColor: boolean } }
  return nodeHost({ log: options.log ?? nodeLog({ env: Deno?.noColor === false ? {} : { NO_COLOR: '1' } }) })
}
