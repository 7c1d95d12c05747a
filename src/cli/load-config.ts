/** The config file: found, imported, checked. Whatever is wrong is told in lines that say where. */
import { existsSync } from 'node:fs'
import { extname, isAbsolute, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, type ConfigInput, describeProblem, type ResolvedConfig, resolveConfig } from '../config/config.ts'
import { rawMessageOf } from '../contracts/errors.ts'
import type { Io } from './command.ts'
import { usageError } from './exit.ts'
import { moduleHint } from './module-hint.ts'

const NAMES = ['blockgate.config.ts', 'blockgate.config.mts', 'blockgate.config.js'] as const
const EXTENSIONS: ReadonlySet<string> = new Set(['.ts', '.mts', '.js', '.mjs'])

export interface LoadedConfig {
  readonly path: string
  readonly config: ResolvedConfig
}

/**
 * Loads the config that `given` names, or the first of the default names in the working folder.
 * @throws CliError with exit code 2, and all that is wrong
 */
export async function loadConfig(given: string | undefined, io: Io): Promise<LoadedConfig> {
  const path = given === undefined ? findConfig(io.cwd) : namedConfig(given, io.cwd)
  const name = shown(path, io.cwd)
  const input = await importConfig(path, name)
  try {
    return { path, config: await resolveConfig(input, { env: io.env }) }
  } catch (error) {
    if (error instanceof ConfigError) {
      const lines = error.problems.map(problem => `  ${describeProblem(problem)}`)
      const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`
      throw usageError(`${name} has ${count}:\n${lines.join('\n')}`, { cause: error })
    }
    const cause = error instanceof Error ? error.cause : undefined
    throw usageError(`${name}${lineOf(cause, path)}: ${rawMessageOf(error)}`, { cause: error })
  }
}

function findConfig(cwd: string): string {
  const path = NAMES.map(name => join(cwd, name)).find(existsSync)
  if (path !== undefined) return path
  throw usageError(`there must be a config: none of ${NAMES.join(', ')} is in ${cwd}; --config names another`)
}

function namedConfig(given: string, cwd: string): string {
  const path = isAbsolute(given) ? given : join(cwd, given)
  if (!existsSync(path)) throw usageError(`the config must be a file: there is no ${path}`)
  if (!EXTENSIONS.has(extname(path))) {
    throw usageError(`the config must be a .ts, .mts, .js or .mjs file: current value is ${given}`)
  }
  return path
}

async function importConfig(path: string, name: string): Promise<ConfigInput<Io['env']>> {
  let module: { readonly default?: unknown }
  try {
    module = await import(pathToFileURL(path).href)
  } catch (error) {
    const message = rawMessageOf(error)
    throw usageError(`${name}${lineOf(error, path)} cannot be loaded: ${message}${moduleHint(message, path)}`, {
      cause: error,
    })
  }
  if (module.default === undefined) {
    throw usageError(`${name} must have a default export: export default defineConfig({ … })`)
  }
  // What it is, is checked by resolveConfig.
  return module.default as ConfigInput<Io['env']>
}

/** `:12` where the stack of the error tells a line of the file. */
function lineOf(error: unknown, path: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = stack.indexOf(path)
  const line = at < 0 ? undefined : /^:(\d+)/.exec(stack.slice(at + path.length))?.[1]
  return line === undefined ? '' : `:${line}`
}

function shown(path: string, cwd: string): string {
  const inside = relative(cwd, path)
  return inside.startsWith('..') ? path : inside
}
