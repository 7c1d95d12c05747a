// The gateway of bench/query.ts: prints its address, and serves until it is killed.
import { directory } from 'blockgate/plugins/sink/directory'
import { serve } from '../test/query/world.ts'

const root = process.argv[2] ?? ''
const { url } = await serve(root, `${root}/bucket`, directory())
console.log(url)
