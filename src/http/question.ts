/** What a person is to look at though the gateway works; sentences without a final period. */
import type { Gateway } from '../gateway.ts'

/** What is asked, and how to answer; undefined where nobody is asked. */
export function question({ results }: Gateway): string | undefined {
  const blocks = results.at(-1)?.unconfirmed ?? 0
  if (blocks === 0) return undefined
  return `${blocks} loaded ${blocks === 1 ? 'block' : 'blocks'} would be dropped, and a person is asked: look at the bucket and the filters; if they are to go, POST /api/v1/sync {"confirmDrops":true}, or \`blockgate sync --confirm-drops\` where no gateway runs`
}

/** What is asked, and what is wrong with the last run where it was done nevertheless. */
export function lookAt(gateway: Gateway): readonly string[] {
  const { status, error } = gateway.results.at(-1) ?? {}
  const asked = question(gateway)
  return [...(status === 'done' && error ? [`the last run: ${error.rawMessage}`] : []), ...(asked ? [asked] : [])]
}
