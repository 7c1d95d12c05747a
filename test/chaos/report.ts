/** The closing line, and what a program reads in its place. */
import type { Counts } from './counters.ts'

export interface Report {
  readonly ownership: string
  readonly gateways: number
  readonly blocks: number
  readonly schedules: readonly { readonly name: string; readonly seconds: number }[]
  readonly answers: number
  readonly slowestAnswerMs: number
  /** Requests that a ready gateway did not answer, also because it had just been stopped. */
  readonly unanswered: number
  /** Blocks that were away in a planned change. */
  readonly gaps: number
  readonly unsure: number
  readonly crashGaps: number
  readonly longestCrashMs: number
  readonly crashBoundMs: number
  readonly adds: number
  readonly nonOwnerAdds: number
  readonly epochs: number
  readonly noticed: number
  readonly noticeMaxMs: number
  readonly counts: Counts
  readonly violations: readonly string[]
  readonly seconds: number
}

export function closingLine(report: Report): string {
  const { schedules, counts, violations } = report
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  return [
    `chaos ${violations.length === 0 ? 'passed' : 'FAILED'}: ${report.ownership}, ${report.gateways} gateways`,
    `${report.blocks} blocks`,
    `${schedules.length} schedules`,
    `${report.answers} answers`,
    `${report.gaps} gaps`,
    ...(report.unsure > 0 ? [`${report.unsure} unsure`] : []),
    `longest away after a crash ${seconds(report.longestCrashMs)} (bound ${seconds(report.crashBoundMs)})`,
    `${report.nonOwnerAdds} of ${report.adds} adds by non-owners`,
    `${report.epochs} epochs, noticed within ${Math.round(report.noticeMaxMs)} ms`,
    `${counts.wastedBytes} bytes wasted`,
    `${counts.reoffered} re-offers`,
    `${counts.skipped} skips at the add`,
    `${violations.length} violations`,
    `${Math.round(report.seconds)} s`,
  ].join(', ')
}
