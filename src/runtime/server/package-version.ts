/** The version of blockgate that runs. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Of the package that this file is in: its package.json stands above src, or above dist. */
export function packageVersion(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')).version
  }
  return 'unknown'
}
