/** What gateways know of each other, in one Redis. Node and Deno. */
import {
  BlockgateError,
  codeOf,
  durationMs,
  ErrorCode,
  OwnershipUnavailable,
  rawMessageOf,
  type Services,
} from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { Link } from './connection.ts'
import { Failures } from './failures.ts'
import { keysOf } from './keys.ts'
import { addressOf, placeOf, problemsOf, type RedisStoreOptions, secretsOf } from './options.ts'
import { policyProblem } from './policy.ts'
import { type Call, type Run, redisSteps, SCRIPTS } from './steps.ts'

export type { RedisClient, RedisStoreOptions } from './options.ts'

/**
 * A member store in one Redis 6.2 or newer. Gateways whose stores have the same `cluster` in the same Redis are one cluster. Where Redis
 * cannot be reached, or refuses, every step rejects with `ownership-unavailable` within `commandTimeout`; the connection comes
 * back by itself.
 *
 * @example const store = redisStore({ cluster: 'prod', url: 'redis://127.0.0.1:6379' })
 */
export function redisStore(options: RedisStoreOptions): SlotStore {
  const keys = keysOf(options?.cluster ?? '')
  const listeners = new Set<() => void>()
  let link: Link | undefined
  let services: Services | undefined
  let checks: Promise<void> = Promise.resolve()

  const linked = (): Link => {
    if (link) return link
    throw new OwnershipUnavailable('redisStore() must be started before it is used', { at: 'redis' })
  }
  const run: Run = async (script, own, args) =>
    await linked().run(script, [...keys.base, ...own], [keys.channel, ...args])
  const call: Call = async (command, ...args) => await linked().call(command, ...args)
  const tell = () => {
    for (const listener of [...listeners]) {
      try {
        listener()
      } catch (error) {
        services?.host.log.error('a listener of the members threw', { code: codeOf(error), error: rawMessageOf(error) })
      }
    }
  }
  /** What is wrong is told; only a start can still refuse. */
  const checkLater = () => {
    checks = checks.then(async () => {
      const problem = await policyProblem(call).catch(unlessAway)
      if (problem) services?.host.log[problem.refused ? 'error' : 'warn'](problem.message)
    })
  }

  return {
    name: 'redis',
    shared: true,
    cluster: options?.cluster,
    options,
    check: () => problemsOf(options),
    async start(given) {
      services = given
      const { host, observer } = given
      const address = options.client ?? addressOf(options.url ?? '')
      if (!address)
        throw new BlockgateError(ErrorCode.startFailed, 'url must be a redis:// or rediss:// URL', { at: 'redis' })
      link = await Link.make({
        address,
        channel: keys.channel,
        scripts: SCRIPTS,
        timeoutMs: durationMs(options.commandTimeout, '1s'),
        host,
        failures: new Failures(placeOf(address), secretsOf(address)),
        reconnected: checkLater,
        published: tell,
      })
      if (listeners.size > 0) link.listen()
      if (!(await link.connect())) return
      const problem = await policyProblem(call).catch(unlessAway)
      if (problem?.refused && !observer)
        throw new BlockgateError(ErrorCode.startFailed, problem.message, { at: 'redis' })
      if (problem) host.log.warn(problem.message)
    },
    ...redisSteps(
      run,
      call,
      keys,
      () => services?.host,
      () => link?.connections ?? 0,
    ),
    watch(listener) {
      const own = () => listener()
      listeners.add(own)
      link?.listen()
      return { [Symbol.dispose]: () => void listeners.delete(own) }
    },
    async stop() {
      await link?.stop()
      link = undefined
      await checks
    },
  }
}

/** The link has told it, and asks again when it stands again. */
function unlessAway(error: unknown): undefined {
  if (!(error instanceof OwnershipUnavailable)) throw error
}
