/**
 * Deno, over its Node compatibility: files, state and the HTTP server are those of Node. docs/deno.md says what each asks for.
 */
import type { Host } from '../contracts/host.ts'
import { type NodeHostOptions, nodeHost, nodeLog } from './node.ts'

export { fileState, type LockOptions, localFiles, lockFolder } from './node.ts'

export type DenoHostOptions = NodeHostOptions

/** The host of this process. It reads no environment variable, so it needs no permission: Deno says whether the log may have colours. */
export function denoHost(options: DenoHostOptions = {}): Host {
  const { Deno } = globalThis as { readonly Deno?: { readonly noColor: boolean } }
  return nodeHost({ log: options.log ?? nodeLog({ env: Deno?.noColor === false ? {} : { NO_COLOR: '1' } }) })
}
