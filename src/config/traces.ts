/** Where traces are looked at: the section `traces` of the config. */
import * as v from 'valibot'
import { checkOptions } from '../contracts/check.ts'
import type { Problem } from '../contracts/host.ts'

export interface TracesConfig {
  /**
   * The page of one trace, such as 'http://jaeger:16686/trace/{traceId}': the events of a block on its page, in `explain` and in the API
   * lead there. `{traceId}` becomes the id of the trace. Default: the id alone is told.
   */
  readonly url?: string | undefined
}

const PLACE = '{traceId}'

const ENTRIES = {
  traces: v.strictObject({
    url: v.optional(
      v.pipe(
        v.string(),
        v.check(isTraceUrl, `be an http or https URL without a user, with ${PLACE} in its path or behind it`),
      ),
    ),
  }),
}

/** `traces.url: must be an http or https URL …`, for each fault. */
export function checkTraces(traces: unknown): readonly Problem[] {
  return checkOptions({ traces }, ENTRIES)
}

function isTraceUrl(text: string): boolean {
  const url = URL.parse(traceUrl(text, '0'))
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return false
  // Where the place is in the host, an id would name a server.
  const origin = /^[^/]*\/\/[^/?#]*/.exec(text)?.[0] ?? ''
  return text.includes(PLACE) && !origin.includes('{') && url.username === '' && url.password === ''
}

/** @param url of the config */
export function traceUrl(url: string, traceId: string): string {
  return url.replaceAll(PLACE, traceId)
}
