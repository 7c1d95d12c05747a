import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aptCommands, DEBIAN, missingCommands, nodeProblem, whyInstall } from '../../scripts/ensure.mjs'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'blockgate-ensure-'))
})

afterEach(() => rm(root, { recursive: true, force: true }))

describe('what is installed before npm start and npm test', () => {
  it('installs where nothing is installed', async () => {
    await file('package-lock.json', 10)
    expect(whyInstall(root, 'start')).toBe('nothing is installed yet')
  })

  it('installs again when the lockfile is newer than what is installed', async () => {
    await file('node_modules/.package-lock.json', 10)
    await file('node_modules/vitest/package.json', 10)
    await file('package-lock.json', 20)
    expect(whyInstall(root, 'test')).toBe('package-lock.json is newer than what is installed')
  })

  it('installs the development packages for a test that follows a start', async () => {
    await file('package-lock.json', 10)
    await file('node_modules/.package-lock.json', 20)
    expect(whyInstall(root, 'start')).toBeUndefined()
    expect(whyInstall(root, 'test')).toBe('the development packages are missing')
    expect(whyInstall(root, 'dev')).toBe('the development packages are missing')
  })

  it('installs nothing where all is there', async () => {
    await file('package-lock.json', 10)
    await file('node_modules/.package-lock.json', 20)
    await file('node_modules/vitest/package.json', 20)
    expect(whyInstall(root, 'test')).toBeUndefined()
  })
})

describe('what the tests need from Debian', () => {
  const table = [
    { command: 'here', package: 'a' },
    { command: 'not-executable', package: 'b' },
    { command: 'nowhere', package: 'b' },
  ]

  it('finds the commands that are in no folder of the PATH', async () => {
    await file('bin/here', 10)
    await file('bin/not-executable', 10)
    await chmod(join(root, 'bin/here'), 0o755)
    const missing = missingCommands(table, ['', join(root, 'nothing'), join(root, 'bin')].join(delimiter))
    expect(missing.map((entry: { command: string }) => entry.command)).toEqual(['not-executable', 'nowhere'])
  })

  it.each([
    ['promtool', 'prometheus'],
    ['radosgw', 'radosgw'],
    ['redis-server', 'redis-server'],
  ])('knows that %s comes from %s', (command, name) => {
    expect(
      aptCommands(missingCommands(DEBIAN, '').filter((entry: { command: string }) => entry.command === command))[1],
    ).toBe(`apt-get install -y --no-install-recommends ${name}`)
  })

  it('names each package once', () => {
    expect(aptCommands(table)).toEqual(['apt-get update', 'apt-get install -y --no-install-recommends a b'])
  })
})

describe('the Node that scripts run on', () => {
  it.each(['v24.0.0', 'v24.21.0', 'v25.1.0'])('takes %s', version => {
    expect(nodeProblem(version)).toBeUndefined()
  })

  it.each(['v22.18.0', 'v20.20.2', 'garbage'])('refuses %s and says what it must be', version => {
    expect(nodeProblem(version)).toBe(`Node must be 24 or newer to run from a checkout: current value is ${version}`)
  })
})

async function file(path: string, seconds: number): Promise<void> {
  const full = join(root, path)
  await mkdir(join(full, '..'), { recursive: true })
  await writeFile(full, '')
  await utimes(full, seconds, seconds)
}
