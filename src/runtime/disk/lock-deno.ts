/** The lock of a data folder on Deno: of a file, by `flock`. It needs no permission but the folder's own. */
import { type Holder, inUse, parseHolder, STOP_IT } from './lock-holder.ts'

/** What of Deno it takes. */
interface DenoFile {
  tryLockSync(exclusive: boolean): boolean
  truncateSync(length: number): void
  writeSync(bytes: Uint8Array): number
  close(): void
}
interface DenoFiles {
  openSync(path: string, options: { read: true; write: true; create: true }): DenoFile
  readTextFileSync(path: string): string
}

/** @throws BlockgateError `dir-in-use` */
export function lockFile(dir: string, path: string, me: Holder): AsyncDisposable {
  const { Deno } = globalThis as unknown as { readonly Deno: DenoFiles }
  const file = Deno.openSync(path, { read: true, write: true, create: true })
  if (!file.tryLockSync(true)) {
    file.close()
    throw inUse(dir, parseHolder(Deno.readTextFileSync(path)), STOP_IT)
  }
  file.truncateSync(0)
  file.writeSync(new TextEncoder().encode(JSON.stringify(me)))
  return {
    async [Symbol.asyncDispose]() {
      try {
        file.truncateSync(0)
      } finally {
        file.close()
      }
    },
  }
}
