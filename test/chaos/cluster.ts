/** The gateways of a chaos run: started, drained, stopped, killed, paused; whatever is done to one, the watcher knows. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { addCounts, type Counts, noCounts } from './counters.ts'
import type { GatewayEvent } from './events.ts'
import type { Notice } from './notice.ts'
import { type GatewayProcess, startProcess } from './process.ts'
import type { GatewaySettings } from './settings.ts'
import { STEP_MS, Waits } from './waits.ts'
import type { Watcher } from './watcher.ts'

export interface ClusterOptions {
  readonly common: Omit<GatewaySettings, 'id' | 'port' | 'dir' | 'lockServers'>
  /** As the gateway reaches them. */
  readonly lockServersOf: (id: string) => readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly folder: string
  readonly ports: readonly number[]
  readonly blocks: number
  readonly watcher: Watcher
  readonly notice: Notice
  readonly say: (text: string) => void
  readonly status: (text: string) => void
  readonly onViolation: (text: string) => void
}

interface Member {
  readonly id: string
  readonly settings: GatewaySettings
  process: GatewayProcess
  /** The next end of the process is what was asked for. */
  ending: boolean
}

export class Cluster {
  readonly options: ClusterOptions
  readonly waits: Waits
  readonly #members = new Map<string, Member>()
  /** They may turn unready once they have handed over all they had. */
  readonly #draining = new Set<string>()
  readonly counts: Counts = noCounts()
  adds = 0
  strangers = 0

  constructor(options: ClusterOptions) {
    this.options = options
    const { watcher, blocks, common, status } = options
    this.waits = new Waits({ watcher, blocks, replicas: common.replicas, status })
  }

  get up(): readonly string[] {
    return this.options.watcher.gateways
  }

  /** `gw-1` to `gw-<n>`. */
  static ids(count: number): readonly string[] {
    return Array.from({ length: count }, (_, i) => `gw-${i + 1}`)
  }

  start(...ids: readonly string[]): void {
    this.options.say(`start ${ids.join(', ')}`)
    for (const id of ids) {
      const settings = this.#settings(id)
      mkdirSync(settings.dir, { recursive: true })
      const member: Member = { id, settings, process: this.#spawn(settings, 'run', []), ending: false }
      this.#members.set(id, member)
      this.#watch(id, settings.port)
      void member.process.ended.then(how => {
        if (member.ending) return
        this.options.onViolation(`${id} ended with ${how}, and nobody had asked for it`)
        void this.options.watcher.leave(id)
      })
    }
  }

  /** The planned way out: drained, stopped, forgotten. */
  async retire(...ids: readonly string[]): Promise<void> {
    await this.drain(...ids)
    for (const id of ids) {
      await this.stop(id)
      await this.#command(id, 'forget', [id])
      this.#draining.delete(id)
    }
  }

  async drain(...ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#draining.add(id)
    this.options.say(`drain ${ids.join(', ')}`)
    await Promise.all(ids.map(id => this.#command(id, 'drain', ['--wait', `${STEP_MS}ms`])))
  }

  /** The intent alone; nobody waits. */
  async beginDrain(id: string): Promise<void> {
    this.#draining.add(id)
    this.options.say(`drain ${id}, without waiting`)
    await this.#command(id, 'drain', [])
  }

  async cancelDrain(id: string): Promise<void> {
    await this.#command(id, 'drain', ['--cancel'])
    this.options.say(`drain --cancel ${id}, which serves ${this.options.watcher.served(id)}`)
    this.#draining.delete(id)
  }

  /** SIGTERM; it must exit with 0. Its disk stays. */
  async stop(id: string): Promise<void> {
    this.options.say(`SIGTERM ${id}`)
    const member = await this.#leaving(id)
    member.process.signal('SIGTERM')
    const how = await within(member.process.ended, `${id} must end after SIGTERM`)
    if (how !== 0) this.options.onViolation(`${id} must exit with 0 after SIGTERM: it ended with ${how}`)
    await this.options.watcher.leave(id)
  }

  async kill(id: string): Promise<void> {
    this.options.say(`SIGKILL ${id}, which serves ${this.options.watcher.served(id)}`)
    const member = await this.#leaving(id)
    const left = this.options.watcher.leave(id, true)
    member.process.signal('SIGKILL')
    await member.process.ended
    await left
  }

  async pause(id: string): Promise<void> {
    this.options.say(`SIGSTOP ${id}, which serves ${this.options.watcher.served(id)}`)
    const left = this.options.watcher.leave(id, true)
    this.#member(id).process.signal('SIGSTOP')
    this.options.notice.gone(id)
    await left
  }

  resume(id: string): void {
    this.options.say(`SIGCONT ${id}`)
    this.#member(id).process.signal('SIGCONT')
    this.#watch(id, this.#member(id).settings.port)
  }

  /** Starts or retires gateways until there are `count`. */
  async resize(count: number): Promise<void> {
    const wanted = Cluster.ids(count)
    const more = wanted.filter(id => !this.up.includes(id))
    const fewer = this.up.filter(id => !wanted.includes(id))
    if (more.length > 0) this.start(...more)
    if (fewer.length > 0) await this.retire(...fewer)
    await this.waits.settled()
  }

  /** Ends every process. */
  async end(): Promise<void> {
    await this.options.watcher.stop()
    for (const id of [...this.#members.keys()]) {
      const member = await this.#leaving(id)
      member.process.signal('SIGCONT')
      member.process.signal('SIGKILL')
      await member.process.ended
    }
  }

  #settings(id: string): GatewaySettings {
    const { common, lockServersOf, folder, ports } = this.options
    const port = ports[Number(id.split('-')[1]) - 1]
    if (port === undefined) throw new Error(`there is no gateway ${id}`)
    return { ...common, id, port, lockServers: lockServersOf(id), dir: join(folder, common.cluster, id) }
  }

  #member(id: string): Member {
    const member = this.#members.get(id)
    if (!member) throw new Error(`${id} must be up`)
    return member
  }

  #watch(id: string, port: number): void {
    const { watcher, notice, onViolation } = this.options
    watcher.watch(id, port, ready => {
      if (ready) notice.ready(id, Date.now())
      else if (this.#members.has(id) && !this.#draining.has(id)) onViolation(`${id} is not ready any more`)
    })
  }

  /** The last look at its counts. */
  async #leaving(id: string): Promise<Member> {
    const member = this.#member(id)
    if (this.up.includes(id)) {
      await addCounts(this.counts, member.settings.port).catch((error: unknown) => {
        this.options.say(`the counts of ${id} are lost: ${error}`)
      })
    }
    member.ending = true
    this.options.notice.gone(id)
    this.#members.delete(id)
    return member
  }

  async #command(id: string, command: string, args: readonly string[]): Promise<void> {
    const how = await within(this.#spawn(this.#settings(id), command, args).ended, `blockgate ${command} must end`)
    if (how !== 0)
      throw new Error(`blockgate ${command} ${args.join(' ')} for ${id} must exit with 0: it ended with ${how}`)
  }

  #spawn(settings: GatewaySettings, command: string, args: readonly string[]): GatewayProcess {
    const { id } = settings
    return startProcess(command, args, {
      env: { ...this.options.env, CHAOS: JSON.stringify(settings) },
      log: join(this.options.folder, `${settings.cluster}-${id}.log`),
      onEvent: event => this.#onEvent(id, event),
    })
  }

  #onEvent(id: string, event: GatewayEvent): void {
    if (event.event === 'epoch') {
      const ms = this.options.notice.saw(id, event.epoch, event.at)
      if (ms > 500) this.options.say(`${id} noticed a change after ${ms.toFixed(0)} ms`)
      return
    }
    this.adds++
    if (event.owner) return
    this.strangers++
    this.options.onViolation(`${id} began to load ${event.block}, which is not its own in epoch ${event.epoch}`)
  }
}

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  const late = new AbortController()
  try {
    return await Promise.race([
      work,
      delay(STEP_MS + 30_000, undefined, { signal: late.signal }).then(() => {
        throw new Error(`${what} within ${STEP_MS / 1000} s`)
      }),
    ])
  } finally {
    late.abort()
  }
}
