/**
 * What the browser runs: it follows the events, and brings the page up to date in place. The server makes the markup, so the page is
 * the same with scripts and without. Whatever is unchanged stays as it is, with the focus and what a reader has just come to.
 */
import { script } from './script.ts'

function live(): void {
  const main = document.querySelector('main[data-live]')
  if (!main) return
  let [busy, again] = [false, false]

  const same = (a: Node, b: Node) => a.nodeType === b.nodeType && a.nodeName === b.nodeName
  const morph = (from: Element, to: Element) => {
    for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name)
    for (const { name, value } of [...to.attributes]) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value)
    }
    // What a person has set stays.
    if (from.hasAttribute('data-keep')) return
    const [old, fresh] = [[...from.childNodes], [...to.childNodes]]
    for (const [i, node] of fresh.entries()) {
      const there = old[i]
      if (!there) from.appendChild(node)
      else if (!same(there, node)) from.replaceChild(node, there)
      else if (node.nodeType === Node.ELEMENT_NODE) morph(there as Element, node as Element)
      else if (there.nodeValue !== node.nodeValue) there.nodeValue = node.nodeValue
    }
    for (const node of old.slice(fresh.length)) from.removeChild(node)
  }

  const load = async () => {
    if (document.hidden) return
    again = busy
    if (busy) return
    busy = true
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } })
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      const fresh = page.querySelector('main')
      if (fresh) morph(main, fresh)
      document.title = page.title
    } catch {
      // The gateway is away: the events begin anew once it is back.
    } finally {
      busy = false
      if (again) setTimeout(load, 500)
    }
  }

  const events = new EventSource('/api/v1/events')
  events.addEventListener('status', load)
  events.addEventListener('run', load)
  events.addEventListener('error', () => main.setAttribute('data-live', 'away'))
  events.addEventListener('open', () => main.setAttribute('data-live', ''))
  document.addEventListener('visibilitychange', load)
  // Ages and times left grow without an event.
  setInterval(load, 10_000)
}

export const LIVE: string = script(live)
