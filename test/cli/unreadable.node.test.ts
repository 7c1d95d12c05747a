// A volume of its own has a `lost+found` that is root's.
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockgate, configText, project } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()

describe('a bucket with a folder that may not be read', () => {
  it('is synced as if the folder were not there, and the folder is named', async () => {
    const made = project(folder())
    made.write('blockgate.config.ts', configText(''))
    const lost = join(made.bucket, 'lost+found')
    mkdirSync(lost)
    chmodSync(lost, 0)
    const { code, stdout, stderr } = await blockgate(['sync', '--json'], { cwd: made.folder, powerless: true })
    chmodSync(lost, 0o700)
    expect([
      code,
      stderr
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
    ]).toMatchObject([
      0,
      [{ level: 'warn', key: 'lost+found/', error: 'folder "lost+found/" must be readable: it failed with EACCES' }],
    ])
    expect(JSON.parse(stdout)).toMatchObject({ run: { complete: true }, blocks: { failed: 0 } })
  })
})
