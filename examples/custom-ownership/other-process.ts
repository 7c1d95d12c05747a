// Another process: it locks all buckets in the folder that it is given, says so, and goes on until it is killed.
import { fileLock } from './file-lock.ts'
import { open } from './open.ts'

const other = await open(fileLock({ dir: process.argv[2] ?? '', buckets: 8, most: 8 }), 'other')
const { summary } = await other.sync()
console.log(`another process: ${summary.blocks.added} added`)
