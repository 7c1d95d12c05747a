import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const FOLDER = resolve(import.meta.dirname, '../../examples/three-gateways')

function diff() {
  const files = ['blockgate.config.ts', 'blockgate.redlock.config.ts']
  return spawnSync('diff', files, { cwd: FOLDER, encoding: 'utf8' })
}

describe('the configs of three gateways', () => {
  it('differ in one line, the one that names the ownership plugin', () => {
    const { status, stdout } = diff()
    // 1: they differ.
    expect(status).toBe(1)
    const [place, ring, between, redlock, ...rest] = stdout.trimEnd().split('\n')
    expect(place).toMatch(/^(\d+)c\1$/)
    expect(ring).toMatch(/^< +owned\(.*\bhashRing\(/)
    expect(between).toBe('---')
    expect(redlock).toMatch(/^> +owned\(.*\bredlock\(/)
    expect(rest).toEqual([])
  })

  it('are compared in the README as diff compares them', async () => {
    expect(await readFile(join(FOLDER, 'README.md'), 'utf8')).toContain(diff().stdout)
  })
})
