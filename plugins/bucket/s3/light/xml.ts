/**
 * XML as stores write it, read in one pass: elements, text, the five entities, characters by number, CDATA; attributes, comments and
 * processing instructions are skipped. What comes is untrusted: a document type is refused (with it, entities of its own), and so is
 * all that is not well-formed. The SDK's reader goes by single characters, and takes 5 to 10 ms for a page of a listing.
 */

/** An element has children, or text. */
export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  readonly text: string
}

interface Open {
  readonly name: string
  readonly children: XmlElement[]
  text: string
}

/** What stores send is three deep. */
const MAX_DEPTH = 16
const MAX_NAMES = 64
const NONE: readonly XmlElement[] = []
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** The root element of `document`. @throws Error where it is no such document */
export function readXml(document: string): XmlElement {
  const xml = document.includes('\r') ? document.replaceAll(/\r\n?/g, '\n') : document
  const open: Open[] = []
  /** Names that came as a tag of their own: almost all tags of a listing are one of ten. */
  const names = new Set<string>()
  let root: XmlElement | undefined
  const done = (element: XmlElement) => {
    const parent = open.at(-1)
    if (parent) parent.children.push(element)
    else if (root) throw new Error('the XML has two roots')
    else root = element
  }
  const textTo = (end: number, from: number) => {
    if (end === from) return
    const text = xml.slice(from, end)
    const parent = open.at(-1)
    if (parent) parent.text += decoded(text)
    else if (text.replace('\ufeff', '').trim() !== '') throw new Error('the XML has text outside of its root')
  }
  let at = 0
  while (at < xml.length) {
    const start = xml.indexOf('<', at)
    if (start < 0) {
      textTo(xml.length, at)
      break
    }
    textTo(start, at)
    if (xml.startsWith('<![CDATA[', start)) {
      const parent = open.at(-1)
      if (!parent) throw new Error('the XML has text outside of its root')
      at = endOf(xml, ']]>', start)
      parent.text += xml.slice(start + 9, at - 3)
    } else if (xml.startsWith('<!--', start)) {
      at = endOf(xml, '-->', start + 4)
    } else if (xml.startsWith('<?', start)) {
      at = endOf(xml, '?>', start)
    } else if (xml.startsWith('</', start)) {
      at = endOf(xml, '>', start)
      const element = open.pop()
      if (element?.name !== xml.slice(start + 2, at - 1).trimEnd())
        throw new Error('the XML has tags that do not match')
      // What stands between children is how it is laid out.
      done(element.children.length > 0 && element.text !== '' ? { ...element, text: '' } : element)
    } else {
      const name = open.length > 0 ? xml.slice(start + 1, xml.indexOf('>', start)) : ''
      if (names.has(name)) {
        at = start + name.length + 2
        const end = xml.indexOf('<', at)
        if (xml.startsWith(`/${name}>`, end + 1)) {
          done({ name, children: NONE, text: decoded(xml.slice(at, end)) })
          at = end + name.length + 3
        } else if (open.push({ name, children: [], text: '' }) > MAX_DEPTH) throw new Error('the XML is too deep')
        continue
      }
      at = tagEnd(xml, start)
      const isEmpty = xml[at - 2] === '/'
      const tag = xml.slice(start + 1, at - (isEmpty ? 2 : 1))
      const known = /^[^\s/]*/.exec(tag)?.[0] ?? ''
      if (!NAME.test(known)) throw new Error('the XML has a tag without a name, or a document type')
      if (known === tag && names.size < MAX_NAMES) names.add(known)
      if (isEmpty) done({ name: known, children: NONE, text: '' })
      else if (open.push({ name: known, children: [], text: '' }) > MAX_DEPTH) throw new Error('the XML is too deep')
    }
  }
  if (!root || open.length > 0) throw new Error('the XML is not whole')
  return root
}

const NAME = /^[\p{L}_:][\p{L}\p{N}._:-]*$/u

/** The text of the child `name` of `element`; undefined where there is none. */
export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find(child => child.name === name)?.text
}

/** Behind the next `mark`. */
function endOf(xml: string, mark: string, from: number): number {
  const at = xml.indexOf(mark, from)
  if (at < 0) throw new Error('the XML is not whole')
  return at + mark.length
}

/** Behind the `>` of the tag at `from`: a `>` may also stand in an attribute. */
function tagEnd(xml: string, from: number): number {
  const end = endOf(xml, '>', from)
  if (!/["']/.test(xml.slice(from, end))) return end
  const tag = /[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>/y
  tag.lastIndex = from
  if (!tag.test(xml)) throw new Error('the XML is not whole')
  return tag.lastIndex
}

function decoded(text: string): string {
  if (!text.includes('&')) return text
  // Around each etag. What is decoded here cannot become a part of another entity.
  const rest = text.replaceAll('&quot;', '"')
  if (!rest.includes('&')) return rest
  return rest.replaceAll(/&([^;&]{0,32});?/g, (whole, name: string) => {
    const char = whole.endsWith(';') ? (ENTITIES.get(name) ?? byNumber(name)) : undefined
    if (char === undefined) throw new Error('the XML has an entity that is not known')
    return char
  })
}

function byNumber(name: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name) ?? []
  const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16)
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}
