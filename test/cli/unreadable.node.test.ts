// A volume of its own has a `lost+found` that is root's.
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockgate, configText, project } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()

describe('a folder that may not be read', () => {
  it('at the root of the data folder is left alone, unless it may be a block', async () => {
    const made = project(folder())
    const config = configText('').replace(
      /import \{ directory.*/,
      "import { indexHeaders } from 'blockgate/plugins/sink/index-headers'",
    )
    made.write('blockgate.config.ts', config.replace('directory()', 'indexHeaders()'))
    const sync = async (name: string) => {
      const path = join(made.folder, 'data', name)
      mkdirSync(path, { recursive: true })
      chmodSync(path, 0)
      const ended = await blockgate(['sync'], { cwd: made.folder, powerless: true })
      chmodSync(path, 0o700)
      return ended
    }
    expect(await sync('lost+found')).toMatchObject({ code: 0, stderr: '' })
    const block = await sync('01M82F4V503551737ZN8E730F8')
    expect(block).toMatchObject({ code: 3 })
    expect(block.stderr).toMatch(/cannot list ".*01M82F4V503551737ZN8E730F8": it failed with EACCES/)
  })
})
