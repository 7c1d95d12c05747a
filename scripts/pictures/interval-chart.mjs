// A picture of some hours of a simulation: the blocks that came, the listings, and the interval between them.

const [MINUTE, HOUR] = [60_000, 3_600_000]
const [WIDTH, LEFT, RIGHT] = [860, 50, 20]
const BLOCKS = { top: 40, height: 90 }
const LISTINGS = { top: 142, height: 14 }
const INTERVAL = { top: 180, height: 130 }
const BAR = 5 * MINUTE
/** Minutes at the top of the scale of the intervals. */
const LONGEST = 20

/** @returns SVG, with numbers of one decimal: the same on every machine */
export function chart({ title, trace, simulated, from, to }) {
  const x = time => round(LEFT + ((time - from) / (to - from)) * (WIDTH - LEFT - RIGHT))
  const bars = Array.from({ length: (to - from) / BAR }, (_, i) => {
    const begin = from + i * BAR
    return trace.blocks.filter(at => at >= begin && at < begin + BAR).length
  })
  const most = Math.max(...bars, 1)
  const barWidth = round(x(from + BAR) - LEFT - 1)
  const y = ms => round(INTERVAL.top + INTERVAL.height * (1 - Math.min(LONGEST, ms / MINUTE) / LONGEST))
  const listings = simulated.listings.filter(({ at, ms }) => at + ms >= from && at < to)
  const steps = listings.map(({ at, ms }, i) => {
    const [begin, end] = [Math.max(from, at), Math.min(to, at + ms)]
    return `${i === 0 ? 'M' : 'L'}${x(begin)} ${y(ms)}H${x(end)}`
  })
  const hours = Array.from({ length: (to - from) / HOUR + 1 }, (_, i) => from + i * HOUR)
  const label = (time, text) => `<text x="${x(time)}" y="330" text-anchor="middle">${text}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} 345" font-family="sans-serif" font-size="12" role="img">
<title>${title}: blocks, listings and interval over six hours</title>
<rect width="${WIDTH}" height="345" fill="#fff"/>
<text x="${LEFT}" y="22" font-size="14">${title}</text>
${bars
  .map((many, i) => many && bar(x(from + i * BAR), many / most, barWidth))
  .filter(Boolean)
  .join('\n')}
<text x="${LEFT - 6}" y="${BLOCKS.top + 10}" text-anchor="end">${most}</text>
<text x="${WIDTH - RIGHT}" y="${BLOCKS.top - 6}" text-anchor="end" fill="#3b6ea5">blocks in 5 minutes</text>
${listings
  .filter(({ at }) => at >= from)
  .map(({ at }) => `<path d="M${x(at)} ${LISTINGS.top}v${LISTINGS.height}" stroke="#888"/>`)
  .join('\n')}
<text x="${LEFT - 6}" y="${LISTINGS.top + 11}" text-anchor="end" fill="#666">listed</text>
${[0, 3, 15].map(minutes => line(y(minutes * MINUTE), minutes)).join('\n')}
<path d="${steps.join('')}" fill="none" stroke="#c0392b" stroke-width="1.5"/>
<text x="${WIDTH - RIGHT}" y="${INTERVAL.top - 6}" text-anchor="end" fill="#c0392b">interval (above ${LONGEST} minutes it is cut off)</text>
${hours.map((time, i) => label(time, `${i} h`)).join('\n')}
</svg>
`
}

function bar(x, share, width) {
  const height = round(BLOCKS.height * share)
  return `<rect x="${x}" y="${round(BLOCKS.top + BLOCKS.height - height)}" width="${width}" height="${height}" fill="#3b6ea5"/>`
}

function line(y, minutes) {
  const dashes = minutes === 0 ? '' : ' stroke-dasharray="4 4"'
  return `<path d="M${LEFT} ${y}H${WIDTH - RIGHT}" stroke="#bbb"${dashes}/><text x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${minutes} min</text>`
}

function round(value) {
  return Math.round(value * 10) / 10
}
