#!/usr/bin/env node
/** The `blockgate` command. This file has no static import: a Node that is too old must be able to read it, and say so. */
export {}

const OLDEST = '22.18'
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  const { withSmallHeap } = await import('./small-heap.ts')
  withSmallHeap(process)
  const { cli } = await import('./cli.ts')
  await cli(process)
} else {
  process.stderr.write(
    `blockgate: Node must be ${OLDEST} or newer: this is ${process.versions.node} (${process.execPath})\n`,
  )
  process.exitCode = 2
}
