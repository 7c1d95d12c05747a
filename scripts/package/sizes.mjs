// The size budget: what an entry costs in a bundle, minified and gzipped.

import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { portablePlugins, specifier } from './entries.mjs'

/**
 * Of our own code in `.`, without what it loads only when asked; with its two dependencies it is told beside it. The aim is
 * 20 kB. Limits, slices, faults that are told and questions to a person took it past that, and what spans say of requests and errors,
 * and intervals that adapt. What is here may not grow. The spans of runs and blocks are made outside of it, in src/traces.
 */
const ENGINE_LIMIT = 28_250
const PLUGIN_LIMIT = 8_100

/** What a plugin shares with the engine costs nothing more. */
const SHARED = ['blockgate', 'blockgate/*', 'valibot', '@opentelemetry/api']

/** What a plugin is built on has its own weight, told in the plugin's README: the budget is for our code. */
const CLIENTS = ['re2js', 'yaml', '@aws-sdk/*']

/**
 * Bundles the `.` entry and each portable plugin for the web, where a `node:` import does not resolve.
 * @param {string} folder where the package is installed
 * @returns {Promise<readonly { name: string, minified: number, gzipped: number, limit: number }[]>}
 */
export async function sizes(folder, all) {
  const engine = all.filter(entry => entry.subpath === '.')
  const external = [...SHARED, ...CLIENTS]
  const rows = []
  for (const entry of engine) {
    rows.push(await measure(folder, entry, ENGINE_LIMIT, ['valibot', '@opentelemetry/api']))
    const whole = await measure(folder, entry, Number.POSITIVE_INFINITY, [])
    rows.push({ ...whole, name: `${whole.name}, with valibot and the OpenTelemetry API` })
  }
  for (const entry of portablePlugins(all)) rows.push(await measure(folder, entry, PLUGIN_LIMIT, external))
  return rows
}

/** @param {Awaited<ReturnType<typeof sizes>>} rows */
export function table(rows) {
  const width = Math.max(...rows.map(row => row.name.length))
  const kB = bytes => (bytes / 1000).toFixed(1).padStart(6)
  return rows
    .map(row => {
      const verdict = row.gzipped > row.limit ? '  TOO LARGE' : ''
      return `  ${row.name.padEnd(width)} ${kB(row.minified)} kB min ${kB(row.gzipped)} kB gzip${Number.isFinite(row.limit) ? ` of ${kB(row.limit)}` : ''}${verdict}`
    })
    .join('\n')
}

async function measure(folder, entry, limit, external) {
  const result = await build({
    entryPoints: [join(folder, 'node_modules/blockgate', entry.built)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external,
    plugins: [LOADED_LATER],
    logLevel: 'silent',
  })
  const bundle = result.outputFiles[0].contents
  return { name: specifier(entry), minified: bundle.length, gzipped: gzipSync(bundle, { level: 9 }).length, limit }
}

/** What `import()` loads when it is asked for is no part of what an entry costs. */
const LOADED_LATER = {
  name: 'loaded-later',
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    )
  },
}
