// What users get is what npm packs: builds and packs it, installs it into an empty project, and tries it there.
//   node scripts/check-package.mjs

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { checkCli } from './package/cli.mjs'
import { entries, portablePlugins, specifier } from './package/entries.mjs'
import { run } from './package/run.mjs'
import { sizes, table } from './package/sizes.mjs'

const ROOT = resolve(import.meta.dirname, '..')
const BIN = join(ROOT, 'node_modules/.bin')

/** Later dates switch Node compatibility on by themselves. */
const WORKERD_DATE = '2026-08-03'

const work = mkdtempSync(join(tmpdir(), 'blockgate-package-'))
const all = entries(ROOT)

try {
  await step('build', () => run('npm', ['run', '--silent', 'build'], { cwd: ROOT }))
  const tarball = await step('pack', pack)
  await step('publint', () => lintPackage(tarball))
  await step(`attw, ${all.length} entry points`, () => checkTypes(tarball))
  await step('install into an empty project', () => install(tarball))
  await step('import every entry point', importAll)
  await step('type-check and run a config', consume)
  await step('the command line', () => checkCli(work))
  await step(`bundle for workerd ${WORKERD_DATE}, no flags`, bundleForWorkerd)
  await step('size budget', async () => {
    const rows = await sizes(work, all)
    console.log(table(rows))
    if (rows.some(row => row.gzipped > row.limit)) throw new Error('an entry is over its budget')
  })
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function step(name, check) {
  try {
    const result = await check()
    console.log(`package: ${name}: ok`)
    return result
  } catch (error) {
    console.error(`package: ${name}: failed\n${error.message}`)
    process.exitCode = 1
    rmSync(work, { recursive: true, force: true })
    process.exit()
  }
}

function pack() {
  run('npm', ['pack', '--silent', '--ignore-scripts', `--pack-destination=${work}`], { cwd: ROOT })
  const [name] = globSync('*.tgz', { cwd: work })
  return join(work, name)
}

async function lintPackage(tarball) {
  const bytes = readFileSync(tarball)
  const pack = { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) }
  const { messages, pkg } = await publint({ pack, strict: true })
  if (messages.length > 0) throw new Error(messages.map(message => formatMessage(message, pkg)).join('\n'))
}

/** For ESM users only. attw's own `--profile esm-only` still fails for errors inside a resolution that it ignores. */
function checkTypes(tarball) {
  const names = all.map(entry => entry.subpath.replace('./', ''))
  const args = [tarball, '--format=json', '--entrypoints', ...names]
  // Into a file: attw exits before all of a long report is through a pipe.
  const report = join(work, 'attw.json')
  spawnSync(join(BIN, 'attw'), args, { stdio: ['ignore', openSync(report, 'w'), 'inherit'] })
  const { analysis } = JSON.parse(readFileSync(report, 'utf8'))
  const problems = analysis.problems
    .filter(problem => !['node10', 'node16-cjs'].includes(problem.resolutionKind ?? problem.resolutionOption))
    .map(({ kind, entrypoint, fileName, moduleSpecifier }) => [kind, entrypoint ?? fileName, moduleSpecifier].join(' '))
  if (problems.length > 0) throw new Error([...new Set(problems)].join('\n'))
}

function install(tarball) {
  const project = { name: 'consumer', private: true, type: 'module' }
  writeFileSync(join(work, 'package.json'), JSON.stringify(project))
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: work })
  // The Node of our own development must not take over the user's scripts.
  if (existsSync(join(work, 'node_modules/.bin/node')))
    throw new Error('the tarball brings a node into node_modules/.bin')
}

function importAll() {
  const lines = all.map(entry => {
    const name = JSON.stringify(specifier(entry))
    return `if (Object.keys(await import(${name})).length === 0) throw new Error(${name} + ' exports nothing')`
  })
  writeFileSync(join(work, 'everything.js'), lines.join('\n'))
  run(process.execPath, ['everything.js'], { cwd: work })
}

/** What a user writes, in scripts/fixtures/consumer: strict, and our types are checked too. */
function consume() {
  cpSync(join(ROOT, 'scripts/fixtures/consumer'), work, { recursive: true })
  cpSync(join(ROOT, 'examples/quickstart/bucket'), join(work, 'bucket'), { recursive: true })
  run(join(BIN, 'tsc'), ['-p', 'tsconfig.json'], { cwd: work })
  const printed = run(process.execPath, ['main.ts'], { cwd: work })
  const expected = readFileSync(join(work, 'expected.txt'), 'utf8').trim()
  if (!printed.includes(expected)) throw new Error(`main.ts must print "${expected}": it prints\n${printed}`)
}

function bundleForWorkerd() {
  const imports = [...all.filter(entry => ['.', './http'].includes(entry.subpath)), ...portablePlugins(all)].map(
    specifier,
  )
  const lines = imports.map((name, i) => `import * as m${i} from '${name}'`)
  const names = imports.map((_, i) => `m${i}`).join(', ')
  lines.push(`const all = [${names}]`, 'export default { fetch: () => Response.json(all.map(m => Object.keys(m))) }')
  writeFileSync(join(work, 'worker.js'), lines.join('\n'))
  const wrangler = ['deploy', 'worker.js', '--dry-run', '--outdir=worker', '--name=consumer']
  const printed = run(join(BIN, 'wrangler'), [...wrangler, `--compatibility-date=${WORKERD_DATE}`], {
    cwd: work,
    env: {
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_BUILD_CONDITIONS: 'workerd,worker,browser',
      NO_COLOR: '1',
    },
  })
  // Wrangler only warns of a module that it leaves to the runtime, also where tree-shaking takes it out again.
  const warned = [...printed.matchAll(/The package "([^"]+)" wasn't found[\s\S]*?Imported from:\s*- (\S+)/g)]
  if (warned.length > 0) throw new Error(warned.map(([, name, file]) => `${name} is imported by ${file}`).join('\n'))
}
