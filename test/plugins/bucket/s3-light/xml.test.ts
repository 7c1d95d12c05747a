// The reader of XML: against the SDK's own for what is well-formed, and for what is not.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childText, readXml, type XmlElement } from '../../../../plugins/bucket/s3/light/xml.ts'

interface Made {
  readonly name: string
  readonly children: readonly Made[]
  readonly text: string
}

const name = fc.constantFrom('Contents', 'Key', 'ns:Size', 'ETag', '_a.b-c')
const text = fc.string({
  maxLength: 20,
  unit: fc.oneof(fc.constantFrom(...'&<>"\'] \n;#%x'), fc.string({ minLength: 1, maxLength: 1 })),
})
const { tree } = fc.letrec<{ tree: Made }>(tie => ({
  tree: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.record({ name, text, children: fc.constant([]) }),
    fc.record({ name, text: fc.constant(''), children: fc.array(tie('tree'), { maxLength: 4 }) }),
  ),
}))

/** `tree`, written in one of the ways that XML has; `pick` chooses. */
function written(tree: Made, pick: (ways: number) => number): string {
  const inner =
    tree.children.length > 0
      ? tree.children
          .map(child => written(child, pick) + (['', '\n  ', '<!-- > <a> -->', '<?pi ?>'][pick(4)] ?? ''))
          .join('')
      : textOf(tree.text, pick)
  const attributes = ['', ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', ` a='>"/'\n b=">"`][pick(3)] ?? ''
  if (inner === '' && pick(2) === 0) return `<${tree.name}${attributes}/>`
  return `<${tree.name}${attributes}>${inner}</${tree.name}${['', ' '][pick(2)]}>`
}

function textOf(text: string, pick: (ways: number) => number): string {
  if (!text.includes(']]>') && text !== '' && pick(3) === 0) return `<![CDATA[${text}]]>`
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
  return [...text]
    .map(char => (pick(5) === 0 ? `&#x${char.codePointAt(0)?.toString(16)};` : (entities[char] ?? char)))
    .join('')
}

const shape = ({ name, children, text }: XmlElement): Made => ({ name, text, children: children.map(shape) })

describe('readXml()', () => {
  it('reads what was written, in any of the ways to write it', () => {
    const property = fc.property(tree, fc.infiniteStream(fc.nat()), (made, numbers) => {
      const pick = (ways: number) => numbers.next().value % ways
      const document = `${['', '\ufeff<?xml version="1.0"?>\n', '<!-- a -->'][pick(3)]}${written(made, pick)}\n`
      expect(shape(readXml(document))).toEqual(made)
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('takes the three ends of a line for one', () => {
    expect(readXml('<a>1\r\n2\r3\n4</a>').text).toBe('1\n2\n3\n4')
  })

  it.each([
    ['nothing', ''],
    ['text alone', 'hello'],
    ['text beside the root', '<a/>b'],
    ['two roots', '<a/><b/>'],
    ['an element that is open', '<a><b></b>'],
    ['an end without a start', '</a>'],
    ['ends that are crossed', '<a><b></a></b>'],
    ['half a tag', '<a><b'],
    ['an attribute that does not end', '<a b="></a>'],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['an entity of its own', '<a>&b;</a>'],
    ['an entity that a JavaScript object has', '<a>&constructor;</a>'],
    ['half an entity', '<a>&amp</a>'],
    ['a bare ampersand', '<a>b & c</a>'],
    ['a character that there is none of', '<a>&#x110000;</a>'],
    ['a character of no number', '<a>&#;</a>'],
    ['CDATA that does not end', '<a><![CDATA[b</a>'],
    ['CDATA beside the root', '<a/><![CDATA[b]]>'],
    ['a comment that does not end', '<a><!-- </a>'],
    ['a comment that ends within its start', '<a><!--></a>'],
    ['a tag without a name', '<a>< b/></a>'],
    ['elements that never end', '<a>'.repeat(100_000)],
  ])('refuses %s', (_, document) => {
    expect(() => readXml(document)).toThrow('the XML')
  })

  it('never gives the end of what was cut for the whole', () => {
    const whole = '<?xml version="1.0"?><a><b c="d">e&amp;f</b><![CDATA[g]]><!-- h --><i/></a>'
    for (let end = 0; end < whole.length; end++) expect(() => readXml(whole.slice(0, end))).toThrow('the XML')
    expect(readXml(whole).children.map(child => child.text)).toEqual(['e&f', ''])
  })

  it('takes time in proportion to what comes, however it is written', () => {
    const n = 200_000
    const odd = [
      '<a b="'.repeat(n),
      `<a ${'"'.repeat(n)}`,
      '&'.repeat(n),
      `<a>${'&amp'.repeat(n)}`,
      '<!--'.repeat(n),
      '<a>]]>'.repeat(n),
    ]
    for (const document of odd) expect(() => readXml(document)).toThrow('the XML')
    expect(readXml(`<a>${'<b/>'.repeat(n)}</a>`).children).toHaveLength(n)
  })

  it('gives the text of a child, and undefined for one that is not there', () => {
    const root = readXml('<a><b>1</b><c/></a>')
    expect([childText(root, 'b'), childText(root, 'c'), childText(root, 'd')]).toEqual(['1', '', undefined])
  })
})
