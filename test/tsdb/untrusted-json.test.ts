import { parseJson } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'

const utf8 = (text: string) => new TextEncoder().encode(text)
const bytes = (...list: readonly number[]) => Uint8Array.of(...list)
const utf16 = (text: string, ...start: readonly number[]) =>
  bytes(...start, ...[...text].flatMap(c => [c.charCodeAt(0) & 0xff, c.charCodeAt(0) >> 8]))

function foundIn(given: Uint8Array): string {
  try {
    parseJson(given)
  } catch (error) {
    return (error as Error).message
  }
  return 'it is JSON'
}

describe('parseJson says what was found where it is no JSON', () => {
  const cases: readonly (readonly [given: Uint8Array, found: string])[] = [
    [utf8('{"a":[1,"b"]}'), 'it is JSON'],
    [utf8('\ufeff{"a":1}'), 'it is JSON'],
    [utf8(''), 'it is empty'],
    [utf8(' \n'), 'it is blank'],
    [bytes(0x1f, 0x8b, 8, 0, 0), 'it is gzip'],
    [bytes(0x28, 0xb5, 0x2f, 0xfd, 1), 'it is zstd'],
    [utf8('PK\u0003\u0004...'), 'it is zip'],
    [utf16('{"a":1}', 0xff, 0xfe), 'it is UTF-16'],
    [utf16('{"a":1}'), 'it is UTF-16'],
    [bytes(0xfe, 0xff, 0, 0x7b), 'it is UTF-16'],
    [new Uint8Array(300), 'it is 300 bytes of zero'],
    [utf8('<html><body>502 Bad Gateway</body></html>'), 'it begins with <html>'],
    [utf8('\n<!DOCTYPE html>\n<html>'), 'it begins with <!DOCTYPE html>'],
    [utf8('<?xml version="1.0"?><Error/>'), 'it begins with <?xml version="1.0"?>'],
    [utf8(`<a\n\u001b[31m${'x'.repeat(100)}>`), `it begins with <a [31m${'x'.repeat(33)}`],
    [utf8('{"a":1,"b"'), 'it ends at byte 10'],
    [utf8('{"a":"é'), 'it ends at byte 8'],
    [utf8('{"a":"b\\"c'), 'it ends at byte 10'],
    [utf8('[1,2'), 'it ends at byte 4'],
    [utf8('{"a":1}\0\0'), 'it goes wrong at character 7: "\\u0000\\u0000"'],
    [utf8('{"a":1,}'), 'it goes wrong at character 7: "}"'],
    [
      utf8('{"ulid":"01M3TKKJ60EE0","minTime": NaN, "maxTime": 1}'),
      String.raw`it goes wrong at "minTime\": NaN, \"maxT"`,
    ],
    [utf8('{"a":tru}'), String.raw`it goes wrong at "{\"a\":tru}"`],
    [
      utf8('version https://git-lfs.github.com/spec/v1\noid'),
      'it begins with "version https://git-lfs.github.com/spec/"',
    ],
    [bytes(0x7b, 0x22, 0xff, 0x22), 'it is not UTF-8'],
  ]
  for (const [index, [given, found]] of cases.entries()) {
    it(`${index + 1}: ${found}`, () => {
      const message = foundIn(given)
      expect(message).toContain(found)
      expect(message).toMatch(/^[\x20-\x7e]{1,110}$/)
    })
  }

  it('is short and on one line for any cut of a document', () => {
    const whole = utf8(JSON.stringify({ a: ['x', { b: 'y\n' }], c: null, d: 1.5e3, e: 'ü' }))
    for (let end = 1; end < whole.length; end++)
      expect(foundIn(whole.slice(0, end))).toMatch(/^it (ends at byte \d+|is not UTF-8)$/)
  })
})
