/** One member: what stays of it, and the processes that come and go on that. */
import { memoryState } from 'blockgate/testing'
import type { Cluster } from './cluster.ts'
import { type Pause, Process } from './process.ts'
import type { Random } from './random.ts'
import { type Remains, Running } from './running.ts'

export class Member {
  readonly id: string
  /** Its process, of two the newest; undefined while there is none. */
  current: Running | undefined
  readonly #cluster: Cluster
  readonly #random: Random
  readonly #clock: { readonly skew: number; readonly rate: number }
  readonly #remains: Remains
  #generation = 0
  #retired = false

  constructor(cluster: Cluster, id: string, zone: string | undefined, random: Random) {
    this.id = id
    this.#cluster = cluster
    this.#random = random
    this.#clock = { skew: random.between(-60_000, 60_000), rate: random.between(0.9, 1.1) }
    this.#remains = { id, zone, disk: new Map(), warm: new Map(), state: memoryState() }
  }

  /** A new process; it stands beside the one there is, if there is one. `disk`: the member's own, or an empty one. */
  start(disk: 'own' | 'other' = 'own'): void {
    const cluster = this.#cluster
    const generation = ++this.#generation
    const random = this.#random.fork(`process ${generation}`)
    const process = new Process(this.id, generation, cluster, random, this.#clock)
    const running = new Running(process)
    this.current = running
    cluster.note(this.id, 'starts', `process ${generation}`)
    cluster.runnings.add(running)
    const remains =
      disk === 'own' ? this.#remains : { ...this.#remains, disk: new Map(), warm: new Map(), state: memoryState() }
    running.start(cluster, remains, random).catch((error: unknown) => {
      cluster.note(this.id, 'start failed', String(error))
      if (!running.stopping) this.#end(running)
    })
  }

  /**
   * An orderly stop; the process is killed where it takes longer than its grace and a bit. Resolves when it is gone.
   * `gap`: nobody made sure that others serve what it serves.
   */
  async stop(gap = false): Promise<void> {
    const running = this.current
    if (!running?.process.alive) return
    const { scheduler, watch, config, weather, disturbed } = this.#cluster
    const orderly = () => this.#cluster.reaches(this.id) && this.#cluster.disturbed === disturbed && weather.late === 0
    const calm = orderly() && !running.process.paused
    this.#cluster.note(this.id, 'stops')
    running.stopping = true
    if (gap) watch.lost(running)
    watch.stopping()
    const killed = scheduler.sleep(2 * config.stopGrace + 10_000)
    const stopped = running.gateway?.stop().then(() => calm && orderly())
    running.left = (await Promise.race([killed, stopped?.catch(() => {})])) === true
    this.#end(running)
  }

  /** Stops, for good. */
  retire(): Promise<void> {
    this.#retired = true
    return this.stop()
  }

  /** Gone in an instant; its disk stays. */
  crash(): void {
    const running = this.current
    if (!running?.process.alive) return
    this.#cluster.note(this.id, 'crashes')
    this.#end(running)
  }

  /** Of several processes with this id one is left: the one that the others know, else the newest. */
  keepOne(): void {
    const { runnings, server } = this.#cluster
    const mine = [...runnings].filter(running => running.id === this.id)
    const kept = mine.find(running => server.knows(running)) ?? mine.at(-1)
    for (const running of mine) if (running !== kept) this.#end(running)
    this.current = kept
  }

  /** One process is left, and it runs; one that was put out of the cluster by another, or that could not start, is started anew. */
  mend(): void {
    if (!this.current) {
      if (!this.#retired) this.start()
      return
    }
    this.keepOne()
    this.resume()
    if (this.current.plugin?.handover?.standing() !== 'superseded') return
    this.#end(this.current)
    this.start()
  }

  pause(kind: Pause): void {
    this.#cluster.note(this.id, 'pauses', kind)
    this.current?.process.pause(kind)
  }

  resume(): void {
    if (!this.current?.process.paused) return
    this.#cluster.note(this.id, 'resumes')
    this.current.process.resume()
  }

  #end(running: Running): void {
    if (!running.process.alive) return
    running.process.kill()
    this.#cluster.runnings.delete(running)
    this.#cluster.watch.ended(running)
    if (this.current === running) this.current = [...this.#cluster.runnings].findLast(other => other.id === this.id)
    this.#cluster.note(this.id, 'is gone', `process ${running.process.generation}`)
  }
}
