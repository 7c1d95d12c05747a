/** What a person is asked, and how to answer. */
import type { Gateway } from '../gateway.ts'

/** One sentence, without a final period; undefined where nobody is asked. */
export function question({ results }: Gateway): string | undefined {
  const blocks = results.at(-1)?.unconfirmed ?? 0
  if (blocks === 0) return undefined
  return `${blocks} loaded ${blocks === 1 ? 'block' : 'blocks'} would be dropped, and a person is asked: look at the bucket and the filters; if they are to go, POST /api/v1/sync {"confirmDrops":true}, or \`blockgate sync --confirm-drops\` where no gateway runs`
}
