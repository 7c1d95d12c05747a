/** Vitest's global setup of the project `s3`: one radosgw for the whole run. A start that fails ends the run. */
import type { TestProject } from 'vitest/node'
import { type RadosgwAccess, startRadosgw } from './radosgw.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly radosgw: RadosgwAccess
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stop, endpoint, accessKeyId, secretAccessKey, conf } = await startRadosgw()
  project.provide('radosgw', { endpoint, accessKeyId, secretAccessKey, conf })
  return stop
}
