/** What a runtime gives to the engine and to plugins, and the parts that every plugin has. */
import type { BucketReader, BucketWriter } from './bucket.ts'

/** Clock, timers, randomness and log. `setTimeout`, `Date.now` and `console` are lint errors in `src` and `plugins`. */
export interface Host {
  /** Milliseconds since the epoch; the wall clock, which may step. */
  now(): number
  /** Milliseconds; never steps back: the only clock for liveness, leases and durations. */
  monotonic(): number
  /** A number in [0, 1). */
  random(): number
  /** Calls `fn` once after `ms`; disposing the timer cancels it. */
  setTimer(ms: number, fn: () => void): Disposable
  /** Resolves in a later turn of the event loop, after the timers, input and output that are due now: see `pause()`. */
  nextTurn(): Promise<void>
  readonly log: Log
}

export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

/** A disk, where there is one (Node, Deno). Paths are relative, with `/`, and never leave the root. */
export interface LocalFiles {
  /** @param lasting only `writeAtomic`, `rename` and `remove` change the file: it may stay open for the next read */
  read(path: string, offset: number, length: number, lasting?: boolean): Promise<Uint8Array>
  /** Every regular file below `prefix` (a folder, or `''` for all), recursively; a missing folder is an empty list. */
  list(prefix: string): Promise<readonly LocalFile[]>
  /** Temp file, fsync, rename, fsync of the folder. An abort or an error leaves neither the file nor the temp file. */
  writeAtomic(path: string, body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<void>
  /** Of a file or folder; makes the folders above `to`, and syncs. An error leaves all as it was; a full folder is never replaced. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a folder with everything in it; missing is fine. */
  remove(path: string): Promise<void>
  /** Free bytes. */
  free(): Promise<number>
  /** Names of the folders directly in `prefix`, links left out; a missing folder has none. For a disk that can tell more cheaply than `list` does. */
  folders?(prefix: string): Promise<readonly string[]>
  /**
   * What the system knows of each file, without opening it; undefined for one that is missing or no regular file. Only the last part of
   * a path is checked for a link: the folder is one that `folders` told. A disk that has `folders` has it, too.
   */
  look?(paths: readonly string[]): Promise<readonly (FileLook | undefined)[]>
}

/** A file that is another one, or that was written to, has another look. */
export interface FileLook {
  readonly size: number
  /** ms since the epoch, with a fraction where the file system has one. */
  readonly modified: number
  /** The number of the file on its file system. */
  readonly inode: number
}

export interface LocalFile {
  readonly path: string
  readonly size: number
}

/** Small JSON documents that survive a restart. `get` gives undefined for one that is missing or damaged. Each component has its own keys. */
export interface StateStore {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
  delete(key: string): Promise<void>
}

export interface Services {
  readonly host: Host
  /** Already traced(retried(prefixed(the user's bucket))). */
  readonly bucket: Bucket
  readonly instance: Instance
  readonly files: LocalFiles | undefined
  readonly state: StateStore
  /** Only `explain` will be asked: nothing may be joined, claimed or written. */
  readonly observer: boolean
}

export interface Instance {
  readonly id: string
  readonly zone: string | undefined
}

/** One thing that is wrong in a config: where, what it must be, what it is. */
export interface Problem {
  /** Relative to the component: `replicas`, `zones[2]`; `''` is the component itself. */
  readonly path: string
  /** Completes "must …": `be >= 1`. */
  readonly must: string
  readonly value: unknown
  /** Of an option that is unknown: those that are known in its place. */
  readonly known?: readonly string[]
}

/** The parts every plugin has. A factory is pure and never throws: `check()` tells what is wrong with its options. */
export interface Component {
  /** Kebab-case, the name of the plugin's folder: it is in spans, metrics and summaries. */
  readonly name: string
  /** What the factory was given: `blockgate check` and the pages show it, with secrets hidden. It reaches no span, metric or log. */
  readonly options?: unknown
  /** A config that does not give it is refused. Default: nothing. */
  readonly needs?: readonly 'bucket'[]
  /** Pure. Called by resolveConfig before anything starts; each path is prefixed with where the component stands. */
  check?(): readonly Problem[]
  /** Again only after stop(), where another part could not start. `signal` aborts when the gateway is stopped meanwhile: begin nothing then. */
  start?(services: Services, signal?: AbortSignal): Promise<void>
  /**
   * Called after a start that threw, perhaps twice, without a start, and during one that does not end. Background work has ended
   * when it returns; `signal` aborts when time is up.
   */
  stop?(signal: AbortSignal): Promise<void>
}

/** A bucket is a component too: it may check its options, and open and close its client. */
export interface Bucket extends BucketReader, BucketWriter, Component {
  /** The same for all who read the same objects: gateways with different ones refuse to work together. */
  readonly identity?: string | undefined
  /** Requests at once that the store is given now. Default: as many as are asked for. */
  limit?(): number
}

/**
 *   new → starting → running → stopping → stopped → starting …
 *                  ↘ failed ↗
 */
export type ComponentState = 'new' | 'starting' | 'running' | 'failed' | 'stopping' | 'stopped'

/** How a part of a gateway is. */
export interface Health {
  readonly name: string
  readonly state: ComponentState
  /** What `start` or `stop` threw. */
  readonly error?: string
}
