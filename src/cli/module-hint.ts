/** What helps where Node takes a config, or a file it imports, for CommonJS. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What Node says where it reads an ES module as CommonJS, or meets `require` in one. */
const TAKEN_FOR_COMMONJS = /outside a module|Unexpected token 'export'|require is not defined/
/** A .ts or .js file of the project that is taken for CommonJS has no named exports: else the name is mistyped. */
const NO_EXPORTS = /requested module '[./#][^']*\.[jt]s' does not provide an export named/

/**
 * A line that tells how a project becomes one of ES modules; nothing where it is one, or `message` has other reasons.
 * @param path of the config: the package.json nearest to it counts
 */
export function moduleHint(message: string, path: string): string {
  const noExports = NO_EXPORTS.test(message)
  if (!noExports && !TAKEN_FOR_COMMONJS.test(message)) return ''
  const type = typeOfPackage(path)
  // Without any type Node looks into the file itself: what it does not find there is not exported.
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
