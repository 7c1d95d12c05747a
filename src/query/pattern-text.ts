/** What the text of a regular expression tells before it is compiled. Syntax: https://github.com/google/re2/wiki/Syntax. */

const SPECIAL = new Set('\\.+*?()|[]{}^$')
const PUNCTUATION = /^[!-/:-@[-`{-~]$/

/**
 * The texts of `a|b|c`, also with one group before or behind a text, as in `a(b|c)d`; undefined for any other pattern. A character behind
 * a backslash stands for itself where it is punctuation: Grafana writes the dots of addresses so.
 */
export function alternatives(pattern: string): readonly string[] | undefined {
  const texts: string[] = []
  let text = ''
  /** What stands before the group, once it has begun; and the texts in it, once it has ended. */
  let before: string | undefined
  let inner: readonly string[] | undefined
  for (let i = 0; i < pattern.length; i++) {
    let char = pattern.charAt(i)
    if (char === '\\') {
      char = pattern.charAt(++i)
      if (!PUNCTUATION.test(char)) return undefined
    } else if (char === '|') {
      if (inner) return undefined
      texts.push(text)
      text = ''
      continue
    } else if (char === '(') {
      if (before !== undefined || texts.length > 0) return undefined
      before = text
      text = ''
      continue
    } else if (char === ')') {
      if (before === undefined || inner) return undefined
      inner = [...texts, text]
      text = ''
      continue
    } else if (SPECIAL.has(char)) return undefined
    text += char
  }
  if (before === undefined) return [...texts, text]
  return inner?.map(part => before + part + text)
}

/** A class of Unicode has hundreds of ranges. */
const UNICODE_CLASS = 16

/** About how many steps the compiled pattern has: its characters, each as often as it is repeated. */
export function sizeOf(pattern: string): number {
  /** Of the groups that are open, what came before each. */
  const outer: number[] = []
  let sum = 0
  /** What a repeat behind it repeats. */
  let last = 0
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i)
    if (char === '(') {
      outer.push(sum)
      sum = last = 0
    } else if (char === ')') {
      last = sum + 2
      sum = last + (outer.pop() ?? 0)
    } else if (char === '{') {
      const [whole, least, , most] = REPEAT.exec(pattern.slice(i, i + MAX_REPEAT)) ?? []
      if (whole === undefined) {
        sum += last = 1
        continue
      }
      const times = Math.max(1, Number(least), Number(most ?? 0))
      sum += last * (times - 1)
      last *= times
      i += whole.length - 1
    } else if (char === '[') {
      const end = endOfClass(pattern, i)
      last = 0
      for (; i < end; i++) last += isUnicodeClass(pattern, i) ? UNICODE_CLASS : 1
      sum += last
    } else if (char === '\\') {
      last = isUnicodeClass(pattern, i) ? UNICODE_CLASS : 1
      sum += last
      i++
    } else if (char === '*' || char === '+' || char === '?') sum++
    else sum += last = 1
  }
  return outer.reduce((all, each) => all + each, sum)
}

const REPEAT = /^\{(\d+)(,(\d*))?\}/
/** No repeat has more characters: Go allows 1,000 times. */
const MAX_REPEAT = 16

function isUnicodeClass(pattern: string, at: number): boolean {
  return pattern[at] === '\\' && (pattern[at + 1] === 'p' || pattern[at + 1] === 'P')
}

/** Where the class that begins at `start` ends; a bracket that comes first in it is one of its characters. */
function endOfClass(pattern: string, start: number): number {
  let at = start + 1
  if (pattern[at] === '^') at++
  if (pattern[at] === ']') at++
  for (; at < pattern.length && pattern[at] !== ']'; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern[at] === '[' && pattern[at + 1] === ':') at = Math.max(at, pattern.indexOf(':]', at) + 1)
  }
  return at
}
