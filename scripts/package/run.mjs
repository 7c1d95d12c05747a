import { spawnSync } from 'node:child_process'

/**
 * Runs a tool and stays quiet unless it fails.
 * @returns {string} what it printed
 * @throws {Error} with all that it printed
 */
export function run(file, args, { cwd, env = {} }) {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with code ${status}:\n${stdout}${stderr}`)
  return stdout + stderr
}
