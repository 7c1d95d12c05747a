/** Many blocks of a bucket have equal texts and label sets: each is held once. */
import type { BlockFile, BlockMeta } from 'blockgate'
import { ownText } from 'blockgate/bucket'

/** Distinct values kept for comparison. With more of them sharing starts afresh, so that it does not cost memory itself. */
const KEPT = 10_000

export class Sharing {
  readonly #texts = new Map<string, string>()
  readonly #labels = new Map<string, BlockMeta['labels']>()

  text<T extends string>(value: T): T {
    const found = this.#texts.get(value)
    if (found !== undefined) return found as T
    const own = ownText(value)
    keep(this.#texts, own, own)
    return own
  }

  files(files: readonly BlockFile[]): BlockFile[] {
    return files.map(file => ({ ...file, path: this.text(file.path) }))
  }

  meta(meta: BlockMeta): BlockMeta {
    const key = JSON.stringify(meta.labels)
    const labels = this.#labels.get(key) ?? meta.labels
    if (labels === meta.labels) keep(this.#labels, key, labels)
    return {
      ...meta,
      ulid: this.text(meta.ulid),
      labels,
      source: this.text(meta.source),
      ...(meta.variant !== undefined && { variant: this.text(meta.variant) }),
      // A block that was never compacted is its own source; one that was shares its sources with its downsampled ones.
      compaction: { ...meta.compaction, sources: meta.compaction.sources.map(source => this.text(source)) },
      files: this.files(meta.files),
    }
  }
}

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  if (kept.size >= KEPT) kept.clear()
  kept.set(key, value)
}
