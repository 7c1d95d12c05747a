// Every test of the HTTP side once more, over a real socket: node-server makes other requests than `new Request()`.
import { vi } from 'vitest'

vi.mock('./app-world.ts', () => import('./socket-world.ts'))

await import('./api.test.ts')
await import('./pages.test.ts')
await import('./ring.test.ts')
await import('./sync.test.ts')
