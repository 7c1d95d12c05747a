/** Ids of traces and spans as words of 32 bits: a span is made and sent without the text of its id. */

/** 8 or 16 random bytes; never all zeros, which is no id. */
export function newId(words: 2 | 4): readonly number[] {
  const [a, b, c, d] = [randomWord(), randomWord() || 1, randomWord(), randomWord()]
  return words === 2 ? [a, b] : [a, b, c, d]
}

/** The words of an id in hex that was checked. */
export function wordsOf(hex: string): readonly number[] {
  return Array.from({ length: hex.length / 8 }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16))
}

export function hexOf(words: readonly number[]): string {
  return words.map(word => word.toString(16).padStart(8, '0')).join('')
}

function randomWord(): number {
  return Math.floor(Math.random() * 2 ** 32)
}
