/**
 * Ends the process at once, with `code`. `process.exit()` waits for calls to a file system, and one that never returns would hold it
 * up for ever: while there are any, `signal` ends it.
 */
export function exitNow(code: number, signal: NodeJS.Signals = 'SIGKILL'): never {
  if (inFileSystem()) {
    process.emit('exit', code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  }
  process.exit(code)
}

/** Whether a call to a file system has not returned. On Deno nothing is known of it. */
export function inFileSystem(): boolean {
  return process.getActiveResourcesInfo?.().some(name => name.startsWith('FSReq')) ?? false
}
