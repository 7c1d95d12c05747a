/** Ids of traces and spans as words of 32 bits, with a sign: so V8 keeps them without an object each. A span is made and sent without the text of its id. */

/** 8 or 16 random bytes; never all zeros, which is no id. */
export function newId(words: 2 | 4): readonly number[] {
  const id = [randomWord(), randomWord() || 1]
  if (words === 4) id.push(randomWord(), randomWord())
  return id
}

/** The words of an id in hex that was checked. */
export function wordsOf(hex: string): readonly number[] {
  return Array.from({ length: hex.length / 8 }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16) | 0)
}

export function hexOf(words: readonly number[]): string {
  return words.map(word => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

function randomWord(): number {
  return (Math.random() * 2 ** 32) | 0
}
