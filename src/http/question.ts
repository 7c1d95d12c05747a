/** What a person should look at although the gateway works; sentences without a final period. */
import type { Gateway } from '../gateway.ts'

/** The question whether blocks may be dropped, and how to answer; undefined where there is none. */
export function question({ results }: Gateway): string | undefined {
  const blocks = results.at(-1)?.unconfirmed ?? 0
  if (blocks === 0) return undefined
  return `${blocks} loaded ${blocks === 1 ? 'block' : 'blocks'} would be dropped, and a person is asked: look at the bucket and the filters; if they are to go, POST /api/v1/sync {"confirmDrops":true}, or \`blockgate sync --confirm-drops\` where no gateway runs`
}

/** The question, and what is wrong with a last run that was done nevertheless. */
export function lookAt(gateway: Gateway): readonly string[] {
  const { status, error } = gateway.results.at(-1) ?? {}
  const asked = question(gateway)
  return [...(status === 'done' && error ? [`the last run: ${error.rawMessage}`] : []), ...(asked ? [asked] : [])]
}
