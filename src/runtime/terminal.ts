/** What a person reads of a run: a live line on a terminal, plain lines elsewhere, and a summary at the end. */
export { type ProgressOptions, progressLine, showProgress } from './terminal/progress.ts'
export { type Env, type Output, Screen } from './terminal/screen.ts'
export { type SummaryOptions, summaryText } from './terminal/summary.ts'
