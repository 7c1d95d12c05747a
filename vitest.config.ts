import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

// One copy of the engine: `import 'blockgate'` must reach src in every runner, so the condition stands in both lists.
const node = ['blockgate-source', 'module', 'node', 'development|production']
const workers = ['blockgate-source', 'workerd', 'worker', 'module', 'browser']

// A test that needs a disk, a child process or a server ends in `.node.test.ts`; every other test also runs in workerd.
export default defineConfig({
  test: {
    projects: [
      {
        resolve: { conditions: node },
        ssr: { resolve: { conditions: node } },
        test: { name: 'node', include: ['test/**/*.test.ts'], exclude: ['test/deno/**'], environment: 'node' },
      },
      {
        resolve: { conditions: workers },
        ssr: { resolve: { conditions: workers } },
        plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
        test: { name: 'workers', include: ['test/**/*.test.ts'], exclude: ['test/**/*.node.test.ts', 'test/deno/**'] },
      },
    ],
  },
})
