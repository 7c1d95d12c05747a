// What Biome cannot say (the other rules stand in biome.json and scripts/lint): nothing in the repository may name a path
// of the machine it was written on. Comments and texts count too: a link there is as dead as one in the code.
//   node scripts/check-source.mjs [folder]

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Written with a class of one letter, so that this file does not find itself. */
const RULES = [
  { pattern: /(?<![\w./-])\/[w]ork\//, use: 'a path relative to the repository' },
  { pattern: /\.\.\/[s]hared\b/, use: 'a text in docs/' },
  { pattern: /(?<![\w./-])\/(?:[r]oot|[h]ome\/\w+)\//, use: 'a path relative to the repository' },
]

const root = process.argv[2] ?? '.'
const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
const findings = listed
  .toString()
  .split('\0')
  .filter(path => path !== '')
  .flatMap(path => check(path, contents(path)))

for (const finding of findings) console.error(finding)
if (findings.length > 0) process.exit(1)

function check(path, text) {
  return text
    .split('\n')
    .flatMap((line, i) =>
      RULES.filter(({ pattern }) => pattern.test(line)).map(
        ({ pattern, use }) => `${path}:${i + 1}: names this machine (${pattern.exec(line)[0]}): use ${use} instead`,
      ),
    )
}

/** Empty for what is not text, and for a file that was deleted but is still in the index. */
function contents(path) {
  let bytes
  try {
    bytes = readFileSync(join(root, path))
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EISDIR') return ''
    throw error
  }
  return bytes.includes(0) ? '' : bytes.toString('utf8')
}
