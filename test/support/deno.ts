/** Deno as a child process, which may do exactly what it is told that it may. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

export interface Permissions {
  /** Folders and files. */
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  /** `host:port` */
  readonly net?: readonly string[]
  readonly env?: readonly string[]
  readonly sys?: readonly string[]
}

/** What loading the sources of this checkout, and what they import, takes: a config is imported by a name that Deno cannot foresee. */
export const SOURCES: readonly string[] = ['src', 'plugins', 'package.json', 'node_modules'].map(path =>
  join(ROOT, path),
)

/** The program itself: the command of the npm package passes no signals on. It is put in place at its first use. */
export function denoPath(): string {
  return createRequire(import.meta.url)(join(ROOT, 'node_modules/deno/install_api.cjs')).runInstall()
}

/** The arguments before a script. Without a permission that it asks for Deno throws, and does not prompt. */
export function denoArgs(permissions: Permissions): readonly string[] {
  const allowed = Object.entries(permissions).map(([kind, list]) => `--allow-${kind}=${list.join(',')}`)
  return ['run', '--no-prompt', '--conditions=blockgate-source', ...allowed]
}
