/** A project whose ownership plugin reads its members from a file: what the operators' commands are tried on. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Owner, RingMember } from 'blockgate'
import { blockgate, configText, type Ended, project } from '../support/cli.ts'

export interface ClusterFile {
  readonly members?: readonly RingMember[]
  /** What each answer after the one before it says a member serves; the last stays. */
  readonly advertised?: Readonly<Record<string, readonly (readonly string[])[]>>
  readonly owners?: readonly Owner[]
  readonly frozen?: boolean
  readonly unavailable?: string
  /** The store cannot be reached so many times. */
  readonly away?: number
}

export interface Cluster {
  readonly folder: string
  readonly bucket: string
  run(...args: readonly string[]): Promise<Ended>
  set(file: ClusterFile): void
  /** What the parts were asked, in order. */
  readonly calls: readonly string[]
}

/** `http` is where a gateway is asked; by default nothing listens there. */
export function cluster(folder: string, file: ClusterFile, { http = '127.0.0.1:1', stages = '' } = {}): Cluster {
  const made = project(folder)
  const calls = join(folder, 'calls.log')
  const set = (next: ClusterFile) => made.write('cluster.json', JSON.stringify(next))
  set(file)
  made.write(
    'blockgate.config.ts',
    configText(`noted, ${stages} owned(plugin),`, PLUGIN, `http: '${http}', instance: { id: 'gw-1' },`),
  )
  return {
    folder,
    bucket: made.bucket,
    set,
    run: (...args) => blockgate(args, { cwd: folder }),
    get calls() {
      const text = existsSync(calls) ? readFileSync(calls, 'utf8') : ''
      writeFileSync(calls, '')
      return text.trimEnd().split('\n')
    },
  }
}

const PLUGIN = `
import { appendFileSync, readFileSync } from 'node:fs'
import { OwnershipUnavailable, type OwnershipPlugin } from 'blockgate'

const read = () => JSON.parse(readFileSync('cluster.json', 'utf8'))
const note = (line: string) => appendFileSync('calls.log', line + '\\n')
const asked = new Map<string, number>()
const time = (what: string) => {
  const n = asked.get(what) ?? 0
  asked.set(what, n + 1)
  return n
}
const known = (id: string) => read().members?.find((m: { id: string }) => m.id === id)
const noted = {
  kind: 'block' as const,
  name: 'noted',
  start: async () => note('start the filters'),
  handle: (block, next) => next(),
}
const plugin: OwnershipPlugin = {
  name: 'stub-ring',
  exclusive: false,
  epoch: () => 1,
  start: async ({ observer }) => note('start ' + (observer ? 'as an observer' : 'to work')),
  stop: async () => note('stop'),
  claim: async () => {
    note('claim')
    return { status: 'denied', epoch: 1, reason: 'not-owner', owners: [] }
  },
  handover: {
    owners: () => read().owners ?? [],
    publish: async () => note('publish'),
    serve: async () => {},
    release: async () => 'kept',
    members: () => [],
    standing: () => 'joining',
    ready() {},
    report() {},
    counts: () => ({ storeErrors: 0, refusedExpiries: 0, broken: 0 }),
  },
  operator: {
    unavailable: read().unavailable,
    async ring() {
      const { away = 0, frozen = false, members = [] } = read()
      if (time('ring') < away) throw new OwnershipUnavailable('the store is away')
      return { epoch: 7, cause: 'gw-1 joined\\u001b[31m', storeId: 's', frozen, members }
    },
    async advertised(id) {
      note('advertised ' + id)
      const answers = read().advertised?.[id] ?? [[]]
      return new Set(answers[Math.min(time('advertised ' + id), answers.length - 1)])
    },
    async drain(id, on) {
      note('drain ' + id + ' ' + on)
      return known(id) !== undefined
    },
    freeze: async on => note('freeze ' + on),
    async forget(id) {
      note('forget ' + id)
      const found = known(id)
      return found === undefined ? 'unknown' : found.state === 'down' ? 'forgotten' : 'alive'
    },
  },
}
`
