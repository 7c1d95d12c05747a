/** How much may be loaded ahead. */
import type { LocalFiles } from 'blockgate'

/** Bytes, or a share of the disk: more than 0, at most 1. */
export type Budget = { readonly bytes: number } | { readonly share: number }

const UNITS = ['', 'K', 'M', 'G', 'T']

/** Undefined where it is none. */
export function budgetOf(value: unknown): Budget | undefined {
  const text = String(value)
  const share = Number(/^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1] ?? 0) / 100
  if (share > 0) return share <= 1 ? { share } : undefined
  const [, digits, unit = ''] = /^(\d+)(?:([KMGT])(?:iB)?)?$/.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** UNITS.indexOf(unit)
  return bytes > 0 && Number.isSafeInteger(bytes) ? { bytes } : undefined
}

export interface Disk {
  readonly files: LocalFiles | undefined
  /** Infinity: no limit. */
  readonly diskBudget: number
  /** Bytes of the sink's blocks, warm ones included. */
  readonly ours: number
}

/** The budget in bytes now. Rejects as the disk does. */
export async function bytesOf(budget: Budget, { files, diskBudget, ours }: Disk): Promise<number> {
  if ('bytes' in budget) return budget.bytes
  if (diskBudget !== Number.POSITIVE_INFINITY) return diskBudget * budget.share
  return ((await files?.free()) ?? 0) * budget.share + ours * budget.share
}
