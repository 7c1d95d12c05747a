// The texts: links lead somewhere, each plugin's README states its stability, and TypeScript in them compiles.
//   node scripts/check-docs.mjs

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const STABILITY = /\b(?:experimental|beta|stable)\b/i

/** Below the root, so that `blockgate` resolves to this checkout; git ignores it. */
const SNIPPETS = join(ROOT, 'tmp/docs')
const PATHS = { 'blockgate/plugins/*': ['./plugins/*/index.ts', '../../plugins/*/index.ts'] }

const texts = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', 'examples/*/*.md', 'plugins/**/*.md'], {
  cwd: ROOT,
}).sort()
const findings = [
  ...texts.flatMap(brokenLinks),
  ...linksOutsidePackage(),
  ...pluginsWithoutStability(),
  ...snippetErrors(),
]
for (const finding of findings) console.error(finding)
console.log(`docs: ${texts.length} texts, ${findings.length} findings`)
if (findings.length > 0) process.exitCode = 1

/** Relative links and anchors; what is on the web is not asked for. */
function brokenLinks(path) {
  const text = withoutCode(read(path))
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(({ 1: link, index }) => {
    if (/^[a-z]+:/.test(link)) return []
    const [file, anchor] = link.split('#')
    const target = file === '' ? path : join(dirname(path), decodeURI(file))
    const at = `${path}:${text.slice(0, index).split('\n').length}`
    if (!existsSync(join(ROOT, target))) return [`${at}: the link must lead to a file: current value is ${link}`]
    if (anchor === undefined || !target.endsWith('.md') || anchors(target).includes(anchor)) return []
    return [`${at}: the link must lead to a heading: current value is ${link}`]
  })
}

/** What the README links to is in the package that npm packs. */
function linksOutsidePackage() {
  const files = [...JSON.parse(read('package.json')).files, 'LICENSE']
  return [...withoutCode(read('README.md')).matchAll(/\]\(([^)\s#]+)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link) || files.some(file => link === file || link.startsWith(`${file}/`))) return []
    return [`package.json: files must have what README.md links to: current value lacks ${link}`]
  })
}

/** As GitHub makes them. */
function anchors(path) {
  return [...withoutCode(read(path)).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function pluginsWithoutStability() {
  return globSync('plugins/*/*/index.ts', { cwd: ROOT }).flatMap(index => {
    const readme = join(dirname(index), 'README.md')
    if (!existsSync(join(ROOT, readme))) return [`${readme}:1: must exist and state the stability of the plugin`]
    const [first] = read(readme).split('\n')
    if (STABILITY.test(first)) return []
    return [`${readme}:1: must state experimental, beta or stable: current value is ${first}`]
  })
}

/**
 * Compiles each `ts` block that imports something; the others are fragments. A block that is fenced as `ts <path>` is a
 * file of that path, so that another can import the plugin it makes.
 */
function snippetErrors() {
  rmSync(SNIPPETS, { recursive: true, force: true })
  mkdirSync(SNIPPETS, { recursive: true })
  const places = new Map()
  for (const path of texts) {
    const text = read(path)
    for (const { 1: file, 2: code, index } of text.matchAll(/^```ts(?: (\S+))?\n([\s\S]*?)^```$/gm)) {
      if (!/^import /m.test(code)) continue
      const name = file ?? `snippet-${places.size}.ts`
      mkdirSync(dirname(join(SNIPPETS, name)), { recursive: true })
      places.set(name, { path, line: text.slice(0, index).split('\n').length })
      writeFileSync(join(SNIPPETS, name), code)
    }
  }
  const config = { extends: '../../tsconfig.json', compilerOptions: { paths: PATHS }, include: ['**/*.ts'] }
  writeFileSync(join(SNIPPETS, 'tsconfig.json'), JSON.stringify(config))
  if (places.size === 0) return []
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  const { stdout } = spawnSync(tsc, ['-p', SNIPPETS, '--pretty', 'false'], { cwd: SNIPPETS, encoding: 'utf8' })
  rmSync(SNIPPETS, { recursive: true })
  // Errors elsewhere are the type check's to report.
  return [...stdout.matchAll(/^(\S+\.ts)\((\d+),\d+\): (.*)$/gm)].flatMap(([, name, row, message]) => {
    const place = places.get(name)
    return place === undefined ? [] : [`${place.path}:${place.line + Number(row)}: ${message}`]
  })
}

/** The text with its code blocks blanked; line numbers stay. */
function withoutCode(text) {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, code => code.replaceAll(/[^\n]/g, ''))
}

function read(path) {
  return readFileSync(join(ROOT, path), 'utf8')
}
