import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll } from 'vitest'

/** For the tests of this file, a tmpfs of `size` bytes is mounted on the empty folder `at`. */
export function smallDisk(at: string, size: number): void {
  let mounted = false
  beforeAll(() => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'blockgate-test', at], { stdio: 'pipe' })
      mounted = true
    } catch (cause) {
      throw new Error('this test must be allowed to mount a tmpfs: run it as root, with CAP_SYS_ADMIN', { cause })
    }
  })
  afterAll(() => {
    if (mounted) execFileSync('umount', [at])
  })
}
