// Counts the lines of `src` and `plugins`, and of `test`, and compares them with the targets in CONTRIBUTING.md.
import { readdirSync, readFileSync } from 'node:fs'

const lines = folder =>
  readdirSync(new URL(`../${folder}`, import.meta.url), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(ts|tsx|mjs|js)$/.test(entry.name))
    .map(entry => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8').split('\n').length - 1)
    .reduce((sum, count) => sum + count, 0)

for (const folders of [['src', 'plugins'], ['test']]) {
  const each = folders.map(folder => [folder, lines(folder)])
  const total = each.reduce((sum, [, count]) => sum + count, 0)
  console.log(
    `${folders.join(' + ')}: ${total} lines${each.length > 1 ? ` (${each.map(pair => pair.join(' ')).join(', ')})` : ''}`,
  )
}
