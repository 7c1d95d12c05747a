/**
 * What the browser runs on the page of all blocks: the blocks on a time axis, on a canvas. A lane for each set of labels, in it a row for
 * each resolution and level, and as many tracks in a row as blocks overlap. Of a track only what is seen is drawn, at most one block a
 * pixel, so that the work of a frame grows with the size of the picture and not with the number of blocks.
 */
import { script } from './script.ts'

function timeline(): void {
  interface Block {
    readonly id: string
    readonly from: number
    readonly to: number
    readonly state: string
    readonly reason: string
    readonly row: string
  }
  /** Blocks that do not overlap, in their order. */
  interface Track {
    readonly label: string
    readonly blocks: Block[]
    /** Of these, those that a person should not miss where many share a pixel. */
    readonly bad: Block[]
    /** What is covered by blocks that are held: shown as a line above the tracks of a lane. */
    readonly cover?: Block[]
    readonly lane?: string
  }
  interface Page {
    readonly lanes: string[]
    readonly reasons: string[]
    readonly states: string[]
    readonly next: string | null
    readonly columns: Record<string, (number | string)[]>
  }

  const box = document.querySelector('.timeline') as HTMLElement | null
  const canvas = box?.querySelector('canvas')
  const about = box?.querySelector('.about-block')
  const ctx = canvas?.getContext('2d')
  if (!box || !canvas || !about || !ctx) return
  const [TRACK, LINE, HEAD, AXIS] = [12, 5, 18, 20]
  const DAY = 86_400_000
  const HELD = ['serving', 'pending-hand-off', 'last-copy']
  const BAD = ['failed', 'partial', 'last-copy']
  const lanes = new Map<string, Block[]>()
  let tracks: Track[] = []
  let tops: number[] = []
  let [all, left, right, scroll, planned, chosen] = [{ from: 0, to: 1 }, 0, 1, 0, false, undefined as Block | undefined]
  let colours: Record<string, string> = {}

  const readColours = () => {
    // A light-dark() is not worked out in a custom property, but in the colour of an element.
    const get = (name: string) => {
      about.setAttribute('data-colour', name)
      return getComputedStyle(about).color
    }
    colours = Object.fromEntries(
      ['good', 'bad', 'warn', 'accent', 'quiet', 'line', 'card', 'text'].map(name => [name, get(name)]),
    )
    about.removeAttribute('data-colour')
  }
  const colourOf = (state: string) => {
    const good: Record<string, string> = { serving: 'good', loading: 'accent', failed: 'bad' }
    return colours[good[state] ?? (state === 'skipped' || state === 'pending' ? 'quiet' : 'warn')] ?? '#888'
  }

  /** Blocks by their start into as few tracks as keep them apart. */
  const packed = (blocks: Block[]): Block[][] => {
    const rows: Block[][] = []
    for (const block of blocks) {
      const free = rows.find(row => (row.at(-1)?.to ?? 0) <= block.from)
      if (free) free.push(block)
      else if (rows.length < 8) rows.push([block])
      else rows[7]?.push(block)
    }
    return rows
  }
  const covered = (blocks: Block[]): Block[] => {
    const parts: Block[] = []
    for (const block of blocks) {
      if (!HELD.includes(block.state)) continue
      const last = parts.at(-1)
      if (last && block.from <= last.to) parts[parts.length - 1] = { ...last, to: Math.max(last.to, block.to) }
      else parts.push({ ...block, id: '' })
    }
    return parts
  }
  const layOut = () => {
    tracks = []
    tops = []
    let y = 0
    let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const [lane, blocks] of [...lanes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      blocks.sort((a, b) => a.from - b.from || a.to - b.to)
      for (const block of blocks) {
        from = Math.min(from, block.from)
        // Some blocks claim to end in a year that no calendar has.
        if (block.to < Date.now() + 400 * DAY) to = Math.max(to, block.to)
      }
      tracks.push({ label: '', lane, blocks: [], bad: [], cover: covered(blocks) })
      tops.push(y)
      y += HEAD + LINE
      const rows = Map.groupBy(blocks, block => block.row)
      for (const [label, of] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
        for (const [i, track] of packed(of).entries()) {
          tracks.push({
            label: i === 0 ? label : '',
            blocks: track,
            bad: track.filter(({ state }) => BAD.includes(state)),
          })
          tops.push(y)
          y += TRACK
        }
        y += 3
      }
      y += 8
    }
    tops.push(y)
    all = from < to ? { from, to } : { from: 0, to: 1 }
    canvas.height = 1
    canvas.style.height = `${Math.min(Math.max(120, y + AXIS), 520)}px`
  }

  /** The first block that ends behind `time`. */
  const firstBehind = (blocks: Block[], time: number, start: number) => {
    let [a, b] = [start, blocks.length]
    while (a < b) {
      const middle = (a + b) >> 1
      if ((blocks[middle] as Block).to <= time) a = middle + 1
      else b = middle
    }
    return a
  }
  const x = (time: number) => ((time - left) / (right - left)) * canvas.clientWidth
  const timeAt = (px: number) => left + (px / canvas.clientWidth) * (right - left)
  const paint = (blocks: Block[], y: number, height: number) => {
    const width = canvas.clientWidth
    const perMs = width / (right - left)
    // Blocks of one colour that touch are one rectangle, until they are wide enough to be told apart.
    let [start, end, state] = [0, 0, '']
    const flush = () => {
      if (state === '') return
      const colour = colourOf(state)
      if (ctx.fillStyle !== colour) ctx.fillStyle = colour
      ctx.fillRect(start, y, Math.max(1, end - start - (end - start > 4 ? 1 : 0)), height)
    }
    for (let i = firstBehind(blocks, left, 0); i < blocks.length; ) {
      const block = blocks[i] as Block
      if (block.from >= right) break
      const from = Math.max(-1, (block.from - left) * perMs)
      const to = Math.min(width + 1, (block.to - left) * perMs)
      const isNarrow = to - from <= 4
      if (isNarrow && block.state === state && from - end < 1) end = to
      else {
        flush()
        start = from
        end = to
        state = block.state
      }
      i = to - from < 1 ? firstBehind(blocks, left + (Math.floor(from) + 1) / perMs, i + 1) : i + 1
    }
    flush()
  }
  const tick = () => {
    const steps = [1, 2, 6, 12, 24, 48, 168, 720, 2160, 8760].map(hours => hours * 3_600_000)
    return steps.find(step => (right - left) / step < canvas.clientWidth / 90) ?? 8760 * 3_600_000
  }
  const draw = () => {
    planned = false
    const begun = performance.now()
    const [ratio, width, height] = [devicePixelRatio, canvas.clientWidth, canvas.clientHeight]
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0)
    ctx.clearRect(0, 0, width, height)
    ctx.font = '11px system-ui, sans-serif'
    ctx.textBaseline = 'middle'
    const step = tick()
    for (let at = Math.ceil(left / step) * step; at < right; at += step) {
      ctx.fillStyle = colours.line ?? ''
      ctx.fillRect(x(at), 0, 1, height)
      ctx.fillStyle = colours.text ?? ''
      const text = new Date(at).toISOString()
      ctx.fillText(step < DAY ? text.slice(5, 16).replace('T', ' ') : text.slice(0, 10), x(at) + 3, height - AXIS / 2)
    }
    ctx.save()
    ctx.beginPath()
    ctx.rect(0, 0, width, height - AXIS)
    ctx.clip()
    for (const [i, track] of tracks.entries()) {
      const y = (tops[i] ?? 0) - scroll
      if (y > height - AXIS) break
      if (y < -HEAD - LINE - TRACK) continue
      if (track.cover) {
        ctx.fillStyle = colours.text ?? ''
        ctx.fillText(track.lane ?? '', 4, y + HEAD / 2)
        ctx.fillStyle = colours.line ?? ''
        ctx.fillRect(0, y + HEAD + 1, width, LINE - 2)
        paint(track.cover, y + HEAD, LINE - 1)
        continue
      }
      paint(track.blocks, y, TRACK - 2)
      if (track.bad.length > 0) paint(track.bad, y, TRACK - 2)
      if (track.label !== '') {
        const size = ctx.measureText(track.label).width
        ctx.fillStyle = colours.card ?? ''
        ctx.fillRect(width - size - 8, y, size + 8, TRACK - 2)
        ctx.fillStyle = colours.text ?? ''
        ctx.fillText(track.label, width - size - 4, y + TRACK / 2 - 1)
      }
    }
    if (chosen) {
      const at = tracks.findIndex(({ blocks }) => blocks.includes(chosen as Block))
      ctx.strokeStyle = colours.text ?? ''
      ctx.lineWidth = 2
      ctx.strokeRect(x(chosen.from), (tops[at] ?? 0) - scroll - 1, Math.max(2, x(chosen.to) - x(chosen.from)), TRACK)
    }
    ctx.restore()
    // The last one is kept, for bench/timeline.ts.
    performance.clearMeasures('timeline')
    performance.measure('timeline', { start: begun, end: performance.now() })
  }
  const plan = () => {
    if (!planned) requestAnimationFrame(draw)
    planned = true
  }
  const look = (from: number, to: number) => {
    const span = Math.min(Math.max(to - from, 60_000), (all.to - all.from) * 1.5)
    left = Math.min(Math.max(from, all.from - span / 2), all.to - span / 2)
    right = left + span
    const isAll = left <= all.from && right >= all.to
    history.replaceState(
      null,
      '',
      isAll ? location.pathname + location.search : `#t=${Math.round(left)},${Math.round(right)}`,
    )
    plan()
  }
  const showAll = () => look(all.from - (all.to - all.from) * 0.02, all.to + (all.to - all.from) * 0.02)
  const zoom = (by: number, px = canvas.clientWidth / 2) => {
    const at = timeAt(px)
    look(at - (at - left) * by, at + (right - at) * by)
  }
  const pan = (dx: number, dy: number) => {
    const height = (tops.at(-1) ?? 0) + AXIS - canvas.clientHeight
    scroll = Math.min(Math.max(0, scroll + dy), Math.max(0, height))
    look(timeAt(dx), timeAt(dx) + (right - left))
  }
  const blockAt = (px: number, py: number) => {
    const i = tops.findLastIndex(top => top - scroll <= py)
    const { blocks = [] } = tracks[i] ?? {}
    const found = blocks[firstBehind(blocks, timeAt(px - 1), 0)]
    return found && x(found.from) <= px + 1 && py < (tops[i] ?? 0) - scroll + TRACK ? found : undefined
  }
  const choose = (block: Block | undefined) => {
    if (block === chosen) return
    chosen = block
    canvas.style.cursor = block ? 'pointer' : 'grab'
    const instant = (ms: number) => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms))
    about.textContent = block
      ? `${block.id}: ${block.state}, ${block.reason}; ${instant(block.from)} to ${instant(block.to)}, ${block.row}`
      : ' '
    plan()
  }
  const go = (block: Block | undefined) => {
    if (block) location.href = `/blocks/${block.id}`
  }

  let drag: { x: number; y: number; moved: boolean } | undefined
  canvas.addEventListener('pointerdown', event => {
    drag = { x: event.offsetX, y: event.offsetY, moved: false }
    canvas.setPointerCapture(event.pointerId)
  })
  canvas.addEventListener('pointermove', event => {
    if (!drag) return choose(blockAt(event.offsetX, event.offsetY))
    const [dx, dy] = [drag.x - event.offsetX, drag.y - event.offsetY]
    if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 4) return
    drag = { x: event.offsetX, y: event.offsetY, moved: true }
    pan(dx, dy)
  })
  canvas.addEventListener('pointerup', event => {
    if (drag && !drag.moved) go(blockAt(event.offsetX, event.offsetY))
    drag = undefined
  })
  canvas.addEventListener('pointerleave', () => choose(undefined))
  canvas.addEventListener(
    'wheel',
    event => {
      // Without the key the page is scrolled, as everywhere.
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX)
    },
    { passive: false },
  )
  const flat = () => tracks.flatMap(({ blocks }) => blocks)
  canvas.addEventListener('keydown', event => {
    const step = canvas.clientWidth / 10
    const next = (by: number) => {
      const blocks = flat()
      const at = chosen ? blocks.indexOf(chosen) + by : 0
      const block = blocks[Math.min(Math.max(0, at), blocks.length - 1)]
      choose(block)
      if (block && (block.to < left || block.from > right))
        look(block.from - (right - left) / 2, block.from + (right - left) / 2)
    }
    const keys: Record<string, () => void> = {
      ArrowLeft: () => pan(-step, 0),
      ArrowRight: () => pan(step, 0),
      ArrowUp: () => pan(0, -40),
      ArrowDown: () => pan(0, 40),
      '+': () => zoom(0.5),
      '-': () => zoom(2),
      '0': showAll,
      n: () => next(1),
      p: () => next(-1),
      Enter: () => go(chosen),
    }
    const act = keys[event.key]
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    act()
  })
  for (const button of box.querySelectorAll('button')) {
    const by = Number(button.dataset.zoom)
    button.addEventListener('click', () => (by ? zoom(by) : showAll()))
  }
  new ResizeObserver(plan).observe(canvas)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    readColours()
    plan()
  })

  const take = ({ lanes: names, reasons, states, columns }: Page) => {
    const {
      ulid = [],
      minTime = [],
      maxTime = [],
      lane = [],
      level = [],
      resolution = [],
      state = [],
      reason = [],
    } = columns
    for (const [i, id] of ulid.entries()) {
      const name = names[Number(lane[i])] ?? ''
      const resolved = Number(resolution[i])
      const row = `${resolved === 0 ? 'raw' : `${resolved / 60_000}m`} level ${level[i]}`
      const block = {
        id: String(id),
        from: Number(minTime[i]),
        to: Number(maxTime[i]),
        row,
        state: states[Number(state[i])] ?? '',
        reason: reasons[Number(reason[i])] ?? '',
      }
      const known = lanes.get(name)
      if (known) known.push(block)
      else lanes.set(name, [block])
    }
  }
  const load = async () => {
    const query = new URLSearchParams(location.search)
    query.delete('after')
    query.set('limit', '10000')
    for (let next: string | null = ''; next !== null; ) {
      if (next !== '') query.set('after', next)
      const answer = await fetch(`/api/v1/timeline?${query}`)
      if (!answer.ok) throw new Error(`/api/v1/timeline answered ${answer.status}`)
      const page = (await answer.json()) as Page
      take(page)
      next = page.next
    }
    box.hidden = false
    readColours()
    layOut()
    const [, from, to] = /^#t=(-?\d+),(-?\d+)$/.exec(location.hash) ?? []
    if (from && to && Number(from) < Number(to)) look(Number(from), Number(to))
    else showAll()
    box.dataset.loaded = String(flat().length)
  }
  load().catch((error: unknown) => {
    box.hidden = false
    about.textContent = `The timeline could not be loaded: ${error}`
  })
}

export const TIMELINE: string = script(timeline)
