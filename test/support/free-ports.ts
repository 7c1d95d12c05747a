/** Ports for servers that are told their port, or that come back to it. */
import { createServer } from 'node:net'

/**
 * `count` ports of 127.0.0.1 that nothing listens on. They lie outside of what the kernel gives to outgoing connections
 * and of Ceph's own range, so that nobody takes one between here and its use.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>()
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 1000) throw new Error(`${count} free ports must be found`)
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) found.add(port)
  }
  return [...found]
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
