import { spawnSync } from 'node:child_process'

/**
 * Runs a tool and stays quiet unless it fails.
 * @param {{ cwd: string, env?: Record<string, string>, expect?: number }} options `expect`: the exit code, default 0
 * @returns {string} what it printed
 * @throws {Error} with all that it printed
 */
export function run(file, args, options) {
  const { stdout, stderr } = runBoth(file, args, options)
  return stdout + stderr
}

/** As `run`, with what it printed where. */
export function runBoth(file, args, { cwd, env = {}, expect = 0 }) {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error !== undefined) throw error
  if (status !== expect) throw new Error(`${file} ${args.join(' ')} ended with code ${status}:\n${stdout}${stderr}`)
  return { stdout, stderr }
}
