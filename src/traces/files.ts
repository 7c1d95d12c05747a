/** A disk whose writes are events of the span that is active: they are what an add waits for beside the bucket. */
import { trace } from '@opentelemetry/api'
import type { LocalFiles } from '../contracts/host.ts'
import { isGoingOn } from '../contracts/spans.ts'

/** All that `files` can do, as it does it. */
export function tracedFiles(files: LocalFiles): LocalFiles {
  const own = new Map<PropertyKey, unknown>()
  const told: Partial<LocalFiles> = {
    async writeAtomic(path, body, signal) {
      await files.writeAtomic(path, body, signal)
      tell('file written and synced', path)
    },
    async rename(from, to) {
      await files.rename(from, to)
      tell('file renamed and synced', to)
    },
  }
  for (const [key, method] of Object.entries(told)) own.set(key, method)
  return new Proxy(files, {
    get(target, key) {
      const known = own.get(key)
      if (known) return known
      const value: unknown = Reflect.get(target, key, target)
      const made = typeof value === 'function' ? value.bind(target) : value
      own.set(key, made)
      return made
    },
  })
}

function tell(event: string, path: string): void {
  const span = trace.getActiveSpan()
  if (span && isGoingOn(span)) span.addEvent(event, { 'file.path': path })
}
