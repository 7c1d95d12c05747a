// The entry points of package.json's `exports`, wildcards written out from the tree: tools skip wildcards.

import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'

/**
 * Each entry as its subpath (`.`, `./plugins/filter/dedup`) its source and its built file, in the order of `exports`.
 * @param {string} root
 * @returns {readonly { subpath: string, source: string, built: string }[]}
 */
export function entries(root) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const source = target['blockgate-source']
    if (source === undefined) return []
    if (!subpath.includes('*')) return [{ subpath, source, built: target.default }]
    const [before, after] = source.split('*')
    // A plugin is <kind>/<name>/index.ts; what lies deeper in src/runtime is not an entry.
    const pattern = after === '/index.ts' ? `${before}*/*${after}` : source
    return globSync(pattern, { cwd: root })
      .map(path => `./${path.split(sep).join('/').replace(/^\.\//, '')}`)
      .sort()
      .map(path => {
        const name = path.slice(before.length, -after.length)
        return { subpath: subpath.replace('*', name), source: path, built: target.default.replace('*', name) }
      })
  })
}

/** The name a user imports: `./testing` → `blockgate/testing`. */
export function specifier(entry) {
  return entry.subpath.replace('.', 'blockgate')
}

/** Those that biome.json lets import `node:`, or that import one of these, and those whose client, ioredis, does: they do not run on Workers. */
const NOT_PORTABLE = [
  './plugins/bucket/fs',
  './plugins/bucket/thanos-objstore',
  './plugins/cache/redis',
  './plugins/ownership/redlock',
  './plugins/store/redis',
]

/** The plugins that run on every runtime. */
export function portablePlugins(all) {
  return all.filter(({ subpath }) => subpath.startsWith('./plugins/') && !NOT_PORTABLE.includes(subpath))
}
