/** For those who write member stores, or ownership plugins whose members come and go. */
export * from './contract.ts'
