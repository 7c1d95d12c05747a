/**
 * Spans of what is asked of the lock servers. A lock that is granted, refused or given back is told once, and so is one that could not
 * be asked for; a renewal only where it fails. At the start of a member hundreds are taken at once: they are one trace.
 */
import { type Context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { Host, OwnershipUnavailable } from 'blockgate'
import { outerOfRequest, StoreAttribute, type StoreRequest, tellRequest } from 'blockgate/members'
import { failureType } from '../../store/redis/step-spans.ts'

export type LockStep = 'acquire' | 'extend' | 'release'

/** `unknown`: no majority has said either. */
type LockResult = 'granted' | 'refused' | 'unknown'

/** What is told of a server. */
export interface ToldServer {
  /** For people: `127.0.0.1:6379`. */
  readonly place: string
  readonly attributes: StoreRequest['attributes']
}

/** What one server has answered. */
interface Answer {
  readonly server: ToldServer
  readonly ended: number
  readonly granted: boolean
  readonly error?: unknown
}

export class LockSpans {
  readonly #host: Host
  readonly #servers: readonly ToldServer[]
  /** Requests whose servers have not all answered. */
  #pending = 0
  /** Told together once nothing is pending. */
  #waiting: StoreRequest[] = []
  /** The last request had no majority. */
  #away = false
  /** Locks that somebody else had when they were asked for last. */
  readonly #refused = new Set<string>()

  constructor(host: Host, servers: readonly ToldServer[]) {
    this.#host = host
    this.#servers = servers
  }

  /** @returns what is to be called with each server's answer, and with what a majority says */
  begin(step: LockStep, resources: readonly string[]): LockRequest {
    const started = this.#host.now()
    const outer = outerOfRequest()
    const answers: Promise<Answer>[] = []
    this.#pending++
    return {
      asked: (index, answer) => {
        const server = this.#servers[index] as ToldServer
        const said = (granted: boolean, error?: unknown) => ({ server, ended: this.#host.now(), granted, error })
        answers.push(
          answer.then(
            granted => said(granted),
            error => said(false, error),
          ),
        )
      },
      ended: (result, error) => {
        const ended = this.#host.now()
        const isTold = this.#isTold(step, resources, result)
        void Promise.all(answers).then(all => {
          if (isTold) this.#tell(this.#told({ step, resources, result, started, ended, error }, all), outer)
          if (--this.#pending === 0) this.#flush()
        })
      },
    }
  }

  #isTold(step: LockStep, resources: readonly string[], result: LockResult): boolean {
    const first = !this.#away
    this.#away = result === 'unknown'
    if (this.#away) return first
    // Several that are refused together are asked for again, each alone: that is told.
    if (result === 'refused' && resources.length > 1) return step === 'release'
    if (step !== 'acquire') return step === 'release' || result === 'refused'
    const known = resources.every(resource => this.#refused.has(resource))
    for (const resource of resources) this.#refused[result === 'granted' ? 'delete' : 'add'](resource)
    return result === 'granted' || !known
  }

  #told({ step, resources, result, started, ended, error }: Ended, answers: readonly Answer[]): StoreRequest {
    const places = (of: readonly { readonly server: ToldServer }[]) => of.map(({ server }) => server.place)
    const [only] = this.#servers
    const operation = { [StoreAttribute.operation]: 'EVAL', [StoreAttribute.script]: step }
    const attributes = {
      ...(this.#servers.length === 1 ? only?.attributes : { [StoreAttribute.system]: 'redis' }),
      ...operation,
      [StoreAttribute.lock]: resources.length === 1 ? resources[0] : [...resources],
      [StoreAttribute.lockResult]: result,
      [StoreAttribute.lockServers]: this.#servers.map(({ place }) => place),
      [StoreAttribute.lockGranted]: places(answers.filter(({ granted }) => granted)),
      [StoreAttribute.lockQuorum]: Math.floor(this.#servers.length / 2) + 1,
    }
    const failure = result === 'unknown' ? { error, type: failureType(error) } : undefined
    // Where all have granted it the lists say so.
    const others = answers.filter(({ granted }) => !granted && this.#servers.length > 1)
    return {
      ...{ name: `lock.${step}`, started, ended, attributes, failure },
      below: others.map(({ server, error: why, ...at }) => ({
        name: `lock.${step}.server`,
        started,
        ended: at.ended,
        attributes: { ...server.attributes, ...operation, [StoreAttribute.lockResult]: why ? 'unknown' : 'refused' },
        failure: why === undefined ? undefined : { error: why, type: failureType(why) },
      })),
    }
  }

  #tell(told: StoreRequest, outer: Context): void {
    if (trace.getSpan(outer)) tellRequest(told, outer)
    else this.#waiting.push(told)
  }

  #flush(): void {
    const below = this.#waiting
    this.#waiting = []
    const [first] = below
    if (!first) return
    const started = Math.min(...below.map(request => request.started))
    const ended = Math.max(...below.map(request => request.ended))
    const together = { name: 'lock.requests', kind: 'internal', started, ended, attributes: {}, below } as const
    tellRequest(below.length === 1 ? first : together, ROOT_CONTEXT)
  }
}

export interface LockRequest {
  /** `index`: of the server. */
  asked(index: number, granted: Promise<boolean>): void
  /** Once; `error` where it is not known. */
  ended(result: LockResult, error?: OwnershipUnavailable): void
}

interface Ended {
  readonly step: LockStep
  readonly resources: readonly string[]
  readonly result: LockResult
  readonly started: number
  readonly ended: number
  readonly error: OwnershipUnavailable | undefined
}
