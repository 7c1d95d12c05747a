// From a command line of `thanos store` to a config of blockgate.
import { DEFAULTS, FLAGS, SWITCHES } from './flags.ts'

/** @param script a shell script, of which the command `thanos store` is read @throws Error for a flag that nobody knows */
export function migrate(script: string): string {
  const words = wordsOf(script)
  const start = words.findIndex((word, i) => word === 'store' && /(^|\/)thanos$/.test(words[i - 1] ?? ''))
  if (start < 0) throw new Error('there must be a command thanos store')
  const found = new Map(DEFAULTS)
  const notes: string[] = []
  for (let i = start + 1; i < words.length; i++) {
    const [, name = '', given] = /^--([^=]+)(?:=(.*))?$/s.exec(words[i] ?? '') ?? []
    const [, rule] = FLAGS.find(([flag]) => flag === name) ?? FLAGS.find(([flag]) => isLike(flag, name)) ?? []
    if (!rule) throw new Error(`thanos store has no flag ${words[i]}, or it is newer than this table`)
    const value = given ?? (SWITCHES.test(name) ? 'true' : (words[++i] ?? ''))
    if ('note' in rule) {
      if (rule.note !== '') notes.push(`// --${name}: ${rule.note}\n`)
      continue
    }
    const written = rule.as(value)
    if (written !== undefined) found.set(rule.place, written)
  }
  const body = configOf(found)
  return `${notes.join('')}${imports(body)}\n${body}`
}

function isLike(flag: string, name: string): boolean {
  return flag.endsWith('*') && name.startsWith(flag.slice(0, -1))
}

/** Words as a shell makes them, without variables. */
function wordsOf(script: string): readonly string[] {
  const words = script
    .replaceAll(/^#.*$/gm, '')
    .replaceAll('\\\n', ' ')
    .matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/gs)
  return [...words].map(([word]) => {
    return word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs, (_, single, double, one) => {
      return single ?? double?.replaceAll(/\\(.)/gs, '$1') ?? one
    })
  })
}

function configOf(found: Map<string, string>): string {
  const [objstore, parquet, relabel] = ['objstore', 'parquet', 'relabel'].map(place => found.get(place))
  if (objstore === undefined) throw new Error('--objstore.config or --objstore.config-file must be given')
  const limits = optionsAt(found, 'limits')
  if (limits !== '') found.set('serve.limits', limits)
  const serve = optionsAt(found, 'serve')
  if (serve !== '') found.set('top.serve', serve)
  const [window, delay] = [optionsAt(found, 'window'), optionsAt(found, 'delay')]
  // In the order of Thanos' own filters.
  const stages = [
    `scanBucket(${optionsAt(found, 'scan')})`,
    parquet && `parquetConverted({ bucket: thanosObjstore({ yaml: ${parquet}, env }) })`,
    window && `timeRange(${window})`,
    relabel && `thanosRelabel({ yaml: ${relabel}, env })`,
    delay && `consistencyDelay(${delay})`,
    `notDeleted(${optionsAt(found, 'deleted')})`,
    'dedup()',
    'newestFirst()',
    'indexHeaders()',
  ].filter(stage => stage)
  return `export default defineConfig(({ env }) => ({
  bucket: thanosObjstore({ yaml: ${objstore}, env }),
  pipeline: [
${stages.map(stage => `    ${stage},\n`).join('')}  ],
${at(found, 'top').join(',\n').replaceAll(/^/gm, '  ')},
}))
`
}

/** `{ a: 1, b: 2 }`; '' where there is none. */
function optionsAt(found: ReadonlyMap<string, string>, place: string): string {
  const options = at(found, place)
  return options.length === 0 ? '' : `{ ${options.join(', ')} }`
}

function at(found: ReadonlyMap<string, string>, place: string): readonly string[] {
  return [...found].flatMap(([name, value]) => {
    return name.startsWith(`${place}.`) ? [`${name.slice(place.length + 1)}: ${value}`] : []
  })
}

const PLUGINS = [
  'bucket/thanos-objstore',
  'filter/consistency-delay',
  'filter/dedup',
  'filter/newest-first',
  'filter/not-deleted',
  'filter/parquet-converted',
  'filter/thanos-relabel',
  'filter/time-range',
  'sink/index-headers',
  'source/scan-bucket',
]

function imports(body: string): string {
  const used = PLUGINS.flatMap(plugin => {
    const name = plugin.replace(/^.*\//, '').replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
    return body.includes(`${name}(`) ? [`import { ${name} } from 'blockgate/plugins/${plugin}'\n`] : []
  })
  const files = body.includes('readFileSync(') ? "import { readFileSync } from 'node:fs'\n" : ''
  return `${files}import { defineConfig } from 'blockgate'\n${used.join('')}`
}
