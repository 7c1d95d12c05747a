// The gateway of the measurements here: prints its address, and serves until it is killed.
import { directory } from 'blockgate/plugins/sink/directory'
import { serve } from '../../test/query/world.ts'

const root = process.argv[2] ?? ''
const { url } = await serve(root, `${root}/bucket`, directory())
console.log(url)
// So that `--cpu-prof` writes what it has.
process.on('SIGTERM', () => process.exit(0))
