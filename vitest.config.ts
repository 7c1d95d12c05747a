import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

// One copy of the engine: `import 'blockgate'` must reach src in every runner, so the condition stands in both lists.
const node = ['blockgate-source', 'node', 'development|production']
const workers = ['blockgate-source', 'workerd', 'worker', 'module', 'browser']

// OpenTelemetry has a platform for Node and one for the web. Wrangler bundles the latter; Vite takes the former for
// whatever is not a page, conditions or not, and workerd has no node:os.
const webPlatform: NonNullable<ViteUserConfig['plugins']>[number] = {
  name: 'web-platform',
  enforce: 'pre',
  resolveId(id, importer) {
    const root = /^.*\/node_modules\/@opentelemetry\/[^/]+\//.exec(importer ?? '')?.[0]
    if (id !== '#platform' || root === undefined) return
    const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    return join(root, imports[id].default)
  },
}

// Long proofs on real processes: `npm run proofs`, and CI.
const proofs = 'test/proofs/**/*.test.ts'

// A test that needs a disk, a child process or a server ends in `.node.test.ts`, one that needs a real S3 server in
// `.s3.test.ts`, and one that needs the bindings of a Worker in `.workers.test.ts`; every other test also runs in workerd.
const s3 = 'test/**/*.s3.test.ts'
const workersOnly = 'test/**/*.workers.test.ts'

// Only a hang may end by the clock: the same test takes ten times as long where other work fills the machine.
const patient = { testTimeout: 300_000, hookTimeout: 300_000, teardownTimeout: 60_000 }

// Tests start hundreds of processes: what Node made of a source is kept for the next one, which starts in a third of the time.
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/blockgate-tests') }

export default defineConfig({
  test: {
    // By default one core is left out, which is half of a machine with two.
    maxWorkers: '100%',
    projects: [
      {
        resolve: { conditions: node },
        ssr: { resolve: { conditions: node } },
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [s3, proofs, workersOnly, 'test/deno/**'],
          environment: 'node',
          env,
          ...patient,
        },
      },
      {
        resolve: { conditions: node },
        ssr: { resolve: { conditions: node } },
        test: { name: 'proofs', include: [proofs], environment: 'node', env, ...patient },
      },
      {
        resolve: { conditions: node },
        ssr: { resolve: { conditions: node } },
        test: {
          name: 's3',
          include: [s3],
          environment: 'node',
          globalSetup: ['test/support/radosgw-setup.ts'],
          ...patient,
        },
      },
      {
        resolve: { conditions: workers },
        ssr: { resolve: { conditions: workers } },
        plugins: [webPlatform, cloudflareTest({ wrangler: { configPath: './test/wrangler.toml' } })],
        test: {
          name: 'workers',
          include: ['test/**/*.test.ts'],
          exclude: [s3, proofs, 'test/**/*.node.test.ts', 'test/deno/**'],
          ...patient,
        },
      },
    ],
  },
})
