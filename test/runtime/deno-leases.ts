// Runs under Deno: a member that leases slots on the Redis at REDIS_URL, and what it is granted.
import { redlock } from 'blockgate/plugins/ownership/redlock'
import { redisStore } from 'blockgate/plugins/store/redis'
import { denoHost } from 'blockgate/runtime/deno'
import { sampleBlocks, services } from 'blockgate/testing'

const { signal } = new AbortController()
const [url = ''] = process.argv.slice(2)
const plugin = redlock({ store: redisStore({ cluster: 'deno', url }), clients: [url] })
const rested = new Promise<void>(resolve => {
  plugin.watch?.(() => {
    const owned = sampleBlocks(200).every(({ meta }) => isKnown(() => plugin.handover?.owners(meta)))
    if (owned) resolve()
  })
})
await plugin.start?.(services({ host: denoHost() }))
await rested
const claims = await Promise.all(sampleBlocks(200).map(({ meta }) => plugin.claim(meta, signal)))
console.log(`granted ${claims.filter(claim => claim.status === 'granted').length}`)
await plugin.stop?.(signal)

function isKnown(ask: () => unknown): boolean {
  try {
    ask()
    return true
  } catch {
    return false // nobody holds its slot yet
  }
}
