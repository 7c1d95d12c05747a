/** Finds, imports and checks the config file. Errors say at which line of the file, or at which option, something is wrong. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, type ConfigInput, describeProblem, type ResolvedConfig, resolveConfig } from '../config/config.ts'
import { hinted } from '../config/option-hints.ts'
import { rawMessageOf } from '../contracts/errors.ts'
import { countOf } from '../contracts/text.ts'
import type { Io } from './command.ts'
import { usageError } from './exit.ts'
import { resolveOwnPackage } from './own-package.ts'

const NAMES = ['blockgate.config.ts', 'blockgate.config.mts', 'blockgate.config.js'] as const

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
  const inside = relative(io.cwd, path)
  const name = inside.startsWith('..') ? path : inside
  const input = await importConfig(path, name)
  try {
    return { path, config: await resolveConfig(input, { env: io.env, hinted }) }
  } catch (error) {
    if (error instanceof ConfigError) {
      const lines = error.problems.map(problem => `\n  ${describeProblem(problem)}`)
      throw usageError(`${name} has ${countOf(lines.length, 'problem')}:${lines.join('')}`, { cause: error })
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
  const path = resolve(cwd, given)
  if (!existsSync(path)) throw usageError(`the config must be a file: there is no ${path}`)
  if (['.ts', '.mts', '.js', '.mjs'].includes(extname(path))) return path
  throw usageError(`the config must be a .ts, .mts, .js or .mjs file: current value is ${given}`)
}

async function importConfig(path: string, name: string): Promise<ConfigInput<Io['env']>> {
  let module: { readonly default?: unknown }
  const url = pathToFileURL(path).href
  resolveOwnPackage(url, () => /\.m[jt]s$/.test(path) || typeOfPackage(path) !== undefined)
  try {
    module = await import(url)
  } catch (error) {
    const message = rawMessageOf(error)
    throw usageError(`${name}${lineOf(error, path)} cannot be loaded: ${message}${moduleHint(message, path)}`, {
      cause: error,
    })
  }
  if (module.default === undefined) {
    throw usageError(`${name} must have a default export: export default defineConfig({ … })`)
  }
  // resolveConfig() checks that it is a config.
  return module.default as ConfigInput<Io['env']>
}

/** `:12` where the stack of the error has a line of the file. */
function lineOf(error: unknown, path: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = stack.indexOf(path)
  const line = at < 0 ? undefined : /^:(\d+)/.exec(stack.slice(at + path.length))?.[1]
  return line === undefined ? '' : `:${line}`
}

/** What Node says where it reads an ES module as CommonJS, or finds `require` in one. */
const TAKEN_FOR_COMMONJS = /outside a module|Unexpected token 'export'|require is not defined/
/** A .ts or .js file that is taken for CommonJS has no named exports. In any other file the name is mistyped. */
const NO_EXPORTS = /requested module '[./#][^']*\.[jt]s' does not provide an export named/

/**
 * How a project becomes one of ES modules, where Node took the config, or a file it imports, for CommonJS; else nothing.
 * The package.json nearest to `path`, the config, counts.
 */
function moduleHint(message: string, path: string): string {
  const noExports = NO_EXPORTS.test(message)
  if (!noExports && !TAKEN_FOR_COMMONJS.test(message)) return ''
  const type = typeOfPackage(path)
  // Without a type Node decides by what stands in the file: then a name that it does not find is not exported.
  if (type === 'module' || (noExports && type !== 'commonjs')) return ''
  return '\n  write "type": "module" into package.json: npm pkg set type=module; or name the config, and what it imports, .mts'
}

function typeOfPackage(path: string): unknown {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).type
  }
  return undefined
}
