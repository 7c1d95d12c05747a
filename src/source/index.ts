/** For those who write a source that can look at new blocks alone. */
export { compareTail } from './compare-tail.ts'
