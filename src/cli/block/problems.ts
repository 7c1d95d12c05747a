/** What is wrong with a block: every problem is counted, and the first ones are kept. */
import { codeOf, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'

const KEPT = 100
/** Of the block itself; what else is thrown says that it could not be read. */
const WRONG: ReadonlySet<string | undefined> = new Set([ErrorCode.corruptBlock, ErrorCode.unsupported])

export class Problems {
  readonly kept: string[] = []
  count = 0

  /** One that was told before is not told again. */
  add(problem: string): void {
    if (this.kept.includes(problem)) return
    this.count++
    if (this.kept.length < KEPT) this.kept.push(problem)
  }

  /** What `work` returns; undefined where it throws that something is wrong with the block. */
  async of<T>(work: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!WRONG.has(codeOf(error))) throw error
      this.add(rawMessageOf(error))
      return undefined
    }
  }
}
