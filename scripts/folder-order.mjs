// The folders of src import one way only, types included. Prints their order, and keeps the picture of it in
// docs/architecture.md true.
//   node scripts/folder-order.mjs [--write]

import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const ROOT = resolve(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs/architecture.md')
const IMPORT = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

/** Which folder imports which, and one import that shows it. A file directly in src is a folder of its own. */
export function importsOf(files) {
  const graph = new Map()
  for (const [path, text] of files) {
    const from = folderOf(path)
    if (!graph.has(from)) graph.set(from, new Map())
    for (const [, specifier] of text.matchAll(IMPORT)) {
      const target = posix.join(posix.dirname(path), specifier)
      const to = folderOf(target)
      if (to !== from && !graph.get(from).has(to)) graph.get(from).set(to, `${path} imports ${target}`)
    }
  }
  return graph
}

/**
 * Every folder after all that it imports; those that could stand beside each other by name.
 * @throws Error with the imports of a circle
 */
export function orderOf(graph) {
  const order = []
  const done = new Set()
  const visit = (folder, path) => {
    if (done.has(folder)) return
    const at = path.indexOf(folder)
    if (at >= 0) throw new Error(`folders must import one way only:\n${circle(graph, [...path.slice(at), folder])}`)
    for (const to of [...(graph.get(folder)?.keys() ?? [])].sort()) visit(to, [...path, folder])
    done.add(folder)
    order.push(folder)
  }
  for (const folder of [...graph.keys()].sort()) visit(folder, [])
  return order
}

/** A Mermaid picture. An arrow that follows from others is left out. */
export function picture(graph, order) {
  const below = new Map()
  for (const folder of order) {
    const direct = [...(graph.get(folder)?.keys() ?? [])]
    below.set(folder, new Set(direct.flatMap(to => [to, ...(below.get(to) ?? [])])))
  }
  const arrows = order.flatMap(folder => {
    const direct = [...(graph.get(folder)?.keys() ?? [])].sort()
    const needed = direct.filter(to => !direct.some(other => other !== to && below.get(other)?.has(to)))
    return needed.map(to => `  ${folder} --> ${to}`)
  })
  return ['```mermaid', 'flowchart TD', ...arrows.reverse(), '```'].join('\n')
}

function folderOf(path) {
  const [, first, ...rest] = path.split('/')
  return rest.length > 0 ? first : first.replace(/\.ts$/, '')
}

function circle(graph, folders) {
  return folders
    .slice(1)
    .map((to, i) => `  ${graph.get(folders[i])?.get(to)}`)
    .join('\n')
}

function main() {
  const files = globSync('src/**/*.{ts,tsx}', { cwd: ROOT }).map(path => [path, readFileSync(join(ROOT, path), 'utf8')])
  const graph = importsOf(files)
  const order = orderOf(graph)
  console.log(`folders of src, each imports only from those before it: ${order.join(', ')}`)
  const page = readFileSync(PAGE, 'utf8')
  const drawn = page.replace(/```mermaid\nflowchart TD\n[\s\S]*?```/, picture(graph, order))
  if (drawn === page) return
  if (process.argv.includes('--write')) return writeFileSync(PAGE, drawn)
  throw new Error('docs/architecture.md must show the folders as they are: run node scripts/folder-order.mjs --write')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
