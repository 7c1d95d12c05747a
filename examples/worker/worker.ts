// A store gateway on Cloudflare Workers: the cron of wrangler.toml syncs it, and it answers requests about what it holds.
import { createWorker } from 'blockgate/runtime/workers'
import config from './blockgate.config.ts'

export default createWorker(config)
