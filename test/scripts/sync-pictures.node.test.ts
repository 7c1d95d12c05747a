import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { it } from 'vitest'

it('the pictures and the table of docs/sync.md are what the simulations say', () => {
  const root = join(import.meta.dirname, '../..')
  const script = join(root, 'scripts/make-sync-pictures.mjs')
  execFileSync(process.execPath, ['--conditions=blockgate-source', script, '--check'], { cwd: root, stdio: 'pipe' })
})
