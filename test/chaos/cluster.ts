/** The gateways of a chaos run: started, drained, stopped, killed, paused; whatever is done to one, the watcher knows. */
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { addCounts, type Counts } from './asked.ts'
import type { Notice } from './notice.ts'
import { type GatewayProcess, startProcess } from './process.ts'
import type { GatewayEvent, GatewaySettings } from './settings.ts'
import type { Watcher } from './watcher.ts'

/** A step that takes longer has failed. */
const STEP_MS = 240_000
const POLL_MS = 250
/** Polls in a row: one may fall between two answers. */
const POLLS = 3

export interface ClusterOptions {
  readonly common: Omit<GatewaySettings, 'id' | 'port' | 'dir' | 'lockServers'>
  /** As the gateway reaches them. */
  readonly lockServersOf: (id: string) => readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly folder: string
  /** One for each gateway. */
  readonly ports: readonly number[]
  readonly blocks: number
  readonly watcher: Watcher
  readonly notice: Notice
  readonly counts: Counts
  readonly say: (text: string) => void
  readonly onViolation: (text: string) => void
}

interface Member {
  readonly settings: GatewaySettings
  readonly process: GatewayProcess
  /** The next end of the process is what was asked for. */
  ending: boolean
}

export class Cluster {
  readonly options: ClusterOptions
  readonly #members = new Map<string, Member>()
  /** They may turn unready once they have handed over all they had. */
  readonly #draining = new Set<string>()
  adds = 0
  /** Adds by gateways that did not own the block. */
  strangers = 0

  constructor(options: ClusterOptions) {
    this.options = options
  }

  get up(): readonly string[] {
    return this.options.watcher.gateways
  }

  /** `gw-1` to `gw-<n>`. */
  static ids(count: number): readonly string[] {
    return Array.from({ length: count }, (_, i) => `gw-${i + 1}`)
  }

  start(...ids: readonly string[]): void {
    const { say, onViolation, watcher } = this.options
    say(`start ${ids.join(', ')}`)
    for (const id of ids) {
      const settings = this.#settings(id)
      mkdirSync(settings.dir, { recursive: true })
      const member: Member = { settings, process: this.#spawn(settings, 'run'), ending: false }
      this.#members.set(id, member)
      this.#watch(id, settings.port)
      void member.process.ended.then(how => {
        if (member.ending) return
        onViolation(`${id} ended with ${how}, and nobody had asked for it`)
        void watcher.leave(id)
      })
    }
  }

  /** The planned way out: drained, stopped, forgotten. */
  async retire(...ids: readonly string[]): Promise<void> {
    await this.drain(...ids)
    for (const id of ids) {
      await this.stop(id)
      await this.#command(id, 'forget', id)
      this.#draining.delete(id)
    }
  }

  async drain(...ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(id => this.beginDrain(id, '--wait', `${STEP_MS}ms`)))
  }

  /** The intent alone; nobody waits. */
  async beginDrain(id: string, ...args: readonly string[]): Promise<void> {
    this.#draining.add(id)
    this.options.say(`drain ${[id, ...args].join(' ')}`)
    await this.#command(id, 'drain', ...args)
  }

  async cancelDrain(id: string): Promise<void> {
    await this.#command(id, 'drain', '--cancel')
    this.#say('drain --cancel', id)
    this.#draining.delete(id)
  }

  /** SIGTERM; it must exit with 0. Its disk stays. */
  async stop(id: string): Promise<void> {
    this.#say('SIGTERM', id)
    const member = await this.#leaving(id)
    member.process.signal('SIGTERM')
    const how = await within(member.process.ended, `${id} must end after SIGTERM`)
    if (how !== 0) this.options.onViolation(`${id} must exit with 0 after SIGTERM: it ended with ${how}`)
    await this.options.watcher.leave(id)
  }

  async kill(id: string): Promise<void> {
    this.#say('SIGKILL', id)
    const member = await this.#leaving(id)
    const left = this.options.watcher.leave(id, true)
    member.process.signal('SIGKILL')
    await member.process.ended
    await left
  }

  async pause(id: string): Promise<void> {
    this.#say('SIGSTOP', id)
    const left = this.options.watcher.leave(id, true)
    this.#member(id).process.signal('SIGSTOP')
    this.options.notice.gone(id)
    await left
  }

  resume(id: string): void {
    this.#say('SIGCONT', id)
    const { process, settings } = this.#member(id)
    process.signal('SIGCONT')
    this.#watch(id, settings.port)
  }

  /** Starts or retires gateways until there are `count`. */
  async resize(count: number): Promise<void> {
    const wanted = Cluster.ids(count)
    const more = wanted.filter(id => !this.up.includes(id))
    const fewer = this.up.filter(id => !wanted.includes(id))
    if (more.length > 0) this.start(...more)
    if (fewer.length > 0) await this.retire(...fewer)
    await this.settled()
  }

  /** Every gateway is ready, and every block is with as many of them as it is to be. */
  async settled(): Promise<void> {
    const { watcher, blocks, common } = this.options
    const copies = Math.min(common.replicas, this.up.length)
    await this.until(`${blocks} blocks must have ${copies} servers each`, () => {
      return this.up.every(id => watcher.isReady(id)) && watcher.copies().get(copies) === blocks
    })
  }

  /** Every block is with somebody. */
  async served(): Promise<void> {
    const { blocks, watcher } = this.options
    await this.until('every block must be served', () => {
      return [...watcher.copies().values()].reduce((sum, n) => sum + n, 0) === blocks
    })
  }

  /** @throws Error that says what must be, and how it stands, where it is not within the time of a step */
  async until(what: string, done: () => boolean): Promise<void> {
    const begun = performance.now()
    for (let times = 0; times < POLLS; times = done() ? times + 1 : 0) {
      if (performance.now() - begun > STEP_MS) {
        const copies = [...this.options.watcher.copies()].sort().map(([servers, blocks]) => `${servers}×${blocks}`)
        throw new Error(`${what} within ${STEP_MS / 1000} s: servers×blocks ${copies.join(' ') || 'none'}`)
      }
      await delay(POLL_MS)
    }
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

  #say(what: string, id: string): void {
    this.options.say(`${what} ${id}, which serves ${this.options.watcher.served(id)}`)
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

  /** Its counts are read for the last time. */
  async #leaving(id: string): Promise<Member> {
    const member = this.#member(id)
    const { counts, notice, say } = this.options
    await addCounts(counts, member.settings.port).catch((error: unknown) => {
      say(`the counts of ${id} are lost: ${error}`)
    })
    member.ending = true
    notice.gone(id)
    this.#members.delete(id)
    return member
  }

  async #command(id: string, command: string, ...args: readonly string[]): Promise<void> {
    const process = this.#spawn(this.#settings(id), command, ...args)
    const how = await within(process.ended, `blockgate ${command} must end`)
    if (how === 0) return
    throw new Error(`blockgate ${command} ${args.join(' ')} for ${id} must exit with 0: it ended with ${how}`)
  }

  #spawn(settings: GatewaySettings, ...args: readonly string[]): GatewayProcess {
    const { id, cluster } = settings
    const env = { ...this.options.env, CHAOS: JSON.stringify(settings) }
    const log = join(this.options.folder, `${cluster}-${id}.log`)
    return startProcess(args, env, log, event => this.#onEvent(id, event))
  }

  #onEvent(id: string, event: GatewayEvent): void {
    const { notice, say, onViolation } = this.options
    if (event.event === 'epoch') {
      const ms = notice.saw(id, event.epoch, event.at)
      if (ms > 500) say(`${id} noticed a change after ${ms.toFixed(0)} ms`)
      return
    }
    this.adds++
    if (event.owner) return
    this.strangers++
    onViolation(`${id} began to load ${event.block}, which is not its own in epoch ${event.epoch}`)
  }
}

async function within<T>(work: Promise<T>, what: string): Promise<T> {
  const late = once(AbortSignal.timeout(STEP_MS + 30_000), 'abort').then(() => {
    throw new Error(`${what} within ${STEP_MS / 1000} s`)
  })
  return await Promise.race([work, late])
}
