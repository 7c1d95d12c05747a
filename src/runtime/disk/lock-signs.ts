/**
 * Signs of life of a lock's holder, for machines that cannot ask its kernel: it touches its file again and again, and who wants the
 * lock waits for a change. Only changes count: the clocks of two machines are never compared.
 */
import { open, readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '../../async/signals.ts'
import { rawMessageOf } from '../../contracts/errors.ts'
import type { Host } from '../../contracts/host.ts'
import { onDisk, unlessAbsent } from './errors.ts'
import { type Holder, inUse, parseHolder, whoHas } from './lock-holder.ts'

export interface SocketHolder extends Holder {
  /** Of the kernel that runs: containers of one machine have the same, whatever their host names. Absent where it is not told. */
  readonly boot?: string | undefined
  /** Name in the folder. */
  readonly socket: string
}

/** A holder touches its file so often, ms; without a change for so long it counts as gone; so often another looks. */
const TOUCH_MS = 10_000
const SILENT_MS = 60_000
const POLL_MS = 2_000

export interface Waiting {
  readonly dir: string
  readonly host: Host
  readonly signal?: AbortSignal | undefined
  readonly onWait?: ((ms: number) => void) | undefined
}

/** The numbers of the files `lock-<n>`, in order. */
export async function numbers(folder: string): Promise<readonly number[]> {
  const names = await onDisk(`list "${folder}"`, readdir(folder))
  return names
    .flatMap(name => /^lock-(\d{1,15})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

/** Undefined where nobody holds it. It is opened anew each time: that is when NFS asks its server. */
export async function holderOf(path: string): Promise<(SocketHolder & { readonly touched: bigint }) | undefined> {
  const what = `read "${path}"`
  await using file = await onDisk(what, unlessAbsent(open(path)))
  if (!file) return undefined
  const { mtimeNs } = await onDisk(what, file.stat({ bigint: true }))
  const held = parseHolder<SocketHolder>(await onDisk(what, file.readFile('utf8')))
  return held && /^lock-[\da-f-]{36}\.sock$/.test(held.socket) ? { ...held, touched: mtimeNs } : undefined
}

/**
 * Waits for a sign of whoever `path` names. True: there was none, it is gone. False: it gave the lock back, or another has it.
 * @throws BlockgateError `dir-in-use` at the first sign; the reason of `signal`
 */
export async function silent(
  path: string,
  held: SocketHolder,
  { dir, host, signal, onWait }: Waiting,
): Promise<boolean> {
  const first = await holderOf(path)
  if (first?.socket !== held.socket) return false
  const message = `dir-in-use: another machine has it, or crashed with it: waits up to ${SILENT_MS / 1000} s for a sign of it`
  host.log.warn(message, { dir, holder: whoHas(held) })
  onWait?.(SILENT_MS)
  const end = host.monotonic() + SILENT_MS
  for (let over = false; !over; ) {
    await sleep(host, POLL_MS, signal)
    // Before the last poll: a process that stood still itself sees the touches of meanwhile.
    over = host.monotonic() >= end
    const now = await holderOf(path)
    if (now?.socket !== held.socket) return false
    if (now.touched !== first.touched) throw inUse(dir, held)
  }
  return true
}

/** Touches `lock-<n>` until disposed, or until another has the lock: that is logged. The timers of `host` keep no process alive. */
export function giveSigns(dir: string, folder: string, n: number, { socket }: SocketHolder, host: Host): Disposable {
  const path = join(folder, `lock-${n}`)
  const stop = new AbortController()
  const touches = async () => {
    for (let failing = false; ; ) {
      await sleep(host, TOUCH_MS, stop.signal)
      try {
        const held = await holderOf(path)
        const lost = held?.socket !== socket || (await numbers(folder)).at(-1) !== n
        if (stop.signal.aborted) return
        if (lost) {
          const why = 'another process took it, or its files were removed; stop one of them'
          return host.log.error(`the lock of dir was lost: ${why}`, { dir })
        }
        await utimes(path, host.now() / 1000, host.now() / 1000)
        failing = false
      } catch (error) {
        const message = 'the lock of dir cannot be touched: a gateway on another machine may take it'
        if (!failing && !stop.signal.aborted) host.log.warn(message, { dir, error: rawMessageOf(error) })
        failing = true
      }
    }
  }
  // Only the abort makes it reject.
  touches().catch(() => {})
  return { [Symbol.dispose]: () => stop.abort() }
}
