// The manifests of deploy/kubernetes, and the parts of docs/kubernetes.md, against the types of the Kubernetes API: each becomes a TypeScript literal of its type,
// in which a field that does not exist, or has another type, is an error. Works without a network.
//   node scripts/check-kubernetes.mjs

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

const ROOT = resolve(import.meta.dirname, '..')
const PAGE = 'docs/kubernetes.md'

/** Of the manifests that the page has, by kind; a block without a kind is a part of a container. */
const TYPES = {
  Service: ['kubernetes-types/core/v1.js', 'Service'],
  PodDisruptionBudget: ['kubernetes-types/policy/v1.js', 'PodDisruptionBudget'],
  StatefulSet: ['kubernetes-types/apps/v1.js', 'StatefulSet'],
  undefined: ['kubernetes-types/core/v1.js', 'Container'],
}

const BASE = join(ROOT, 'deploy/kubernetes')
const { resources, configMapGenerator } = parse(readFileSync(join(BASE, 'kustomization.yaml'), 'utf8'))
const manifests = resources.map(file => readFileSync(join(BASE, file), 'utf8'))
const [{ name, files }] = configMapGenerator
for (const file of files) readFileSync(join(BASE, file))
if (
  !manifests.some(text => parse(text).spec?.template?.spec.volumes.some(({ configMap }) => configMap?.name === name))
) {
  throw new Error(`deploy/kubernetes: a volume must mount the ConfigMap ${name}`)
}
const parts = [...readFileSync(join(ROOT, PAGE), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text)
const blocks = [...manifests, ...parts]
const documents = blocks.flatMap(text => parseAllDocuments(text))
const kinds = documents.map(document => document.toJS()?.kind)
for (const kind of ['Service', 'PodDisruptionBudget', 'StatefulSet']) {
  if (!kinds.includes(kind)) throw new Error(`${PAGE} must have a ${kind}: current value is ${kinds.join(', ')}`)
}

const lines = documents.map((document, i) => {
  for (const error of document.errors) throw new Error(`${PAGE}: ${error.message}`)
  const value = document.toJS()
  const type = TYPES[value.kind]
  if (!type) throw new Error(`${PAGE}: a ${value.kind} has no type in scripts/check-kubernetes.mjs`)
  // A container must have a name; the part on the page leaves it to the whole.
  const whole = value.kind === undefined ? { name: 'part', ...value } : value
  return `export const m${i}: import('${type[0]}').${type[1]} = ${JSON.stringify(whole, null, 2)}`
})

// Inside the project, so that the types are found.
const work = mkdtempSync(join(ROOT, 'node_modules/.check-kubernetes-'))
try {
  writeFileSync(join(work, 'manifests.ts'), lines.join('\n'))
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--skipLibCheck',
    '--ignoreConfig',
  ]
  const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, join(work, 'manifests.ts')], {
    encoding: 'utf8',
  })
  if (status !== 0) {
    console.error(`${PAGE} must fit the Kubernetes API:\n${stdout}`)
    process.exitCode = 1
  } else console.log(`kubernetes: ${documents.length} manifests: ok`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
