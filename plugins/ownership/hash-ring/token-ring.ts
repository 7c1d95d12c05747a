/** The ring of Cortex and Mimir: members put tokens on a circle of 2^32, a block belongs to whom the next token does. */
import { BlockgateError, type BlockId, checkOptions, ErrorCode, type Problem } from 'blockgate'
import { fmix32, PLACES, seedOfText, ulidWords } from 'blockgate/members'
import * as v from 'valibot'
import { byId, type PlacedMember, type Placement, type Ranking } from './placement.ts'

export interface TokenRingOptions {
  /** Tokens of each member, 1 to 4096. More of them even the counts out, and cost memory and time at every epoch. Default 512. */
  readonly tokens?: number | undefined
  /**
   * A member's tokens, integers from 0 to 2^32 − 1, instead of those drawn from its id: for a ring that exists. Must be the
   * same function in every member, which nothing can check; a member without tokens is never an owner.
   */
  readonly tokensOf?: ((id: string) => readonly number[]) | undefined
}

/**
 * Looks blocks up as Cortex does: FNV-1 of 32 bits over the 16 bytes of the ULID, the first token strictly greater, and on
 * around the circle for the next ranks. The tokens of a member come from its id, so nothing is stored: token i is
 *
 *     fmix32(b ^ fmix32(a + i × 0x9e3779b9))
 *
 * with `a`, `b` and `fmix32` as in rendezvous(). It is a bijection of i, so no member draws one token twice; of two members
 * with one token the smaller id keeps it.
 *
 * @example hashRing({ store, placement: tokenRing({ tokens: 128 }) })
 */
export function tokenRing(options: TokenRingOptions = {}): Placement {
  const { tokens = 512, tokensOf } = options
  return {
    name: 'token-ring',
    options,
    fingerprint: tokensOf ? 'token-ring/1 by-hand' : `token-ring/1 ${tokens}`,
    check: () => checkTokenRing(options),
    prepare: members => prepareRing(members, tokensOf ?? (id => drawTokens(id, tokens))),
  }
}

/** FNV-1 (multiply, then xor; not 1a) over the bytes of the words, big-endian; unsigned. Cortex' `HashBlockID` of a ULID. */
export function fnv1(words: Uint32Array): number {
  let hash = 0x811c9dc5
  for (const word of words) {
    for (let shift = 24; shift >= 0; shift -= 8) hash = Math.imul(hash, 0x01000193) ^ ((word >>> shift) & 0xff)
  }
  return hash >>> 0
}

/** The index of the first of the sorted `tokens` that is greater than `hash`; past the last one it is 0 again. */
export function nextToken(tokens: Uint32Array, hash: number): number {
  let from = 0
  let to = tokens.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((tokens[middle] ?? 0) > hash) to = middle
    else from = middle + 1
  }
  return from === tokens.length ? 0 : from
}

function drawTokens(id: string, count: number): readonly number[] {
  const { a, b } = seedOfText(id)
  return Array.from({ length: count }, (_, i) => fmix32(b ^ fmix32(a + Math.imul(i, 0x9e3779b9))) >>> 0)
}

function prepareRing(members: readonly PlacedMember[], tokensOf: (id: string) => readonly number[]): Ranking {
  const ids = byId(members).map(member => member.id)
  // The key of a token ends in its member's place, so of equal tokens the smaller id comes first.
  const keys = Float64Array.from(
    ids.flatMap((id, place) => checked(tokensOf(id), id).map(t => t * PLACES + place)),
  ).sort()
  const kept = keys.filter((key, i) => i === 0 || Math.floor(key / PLACES) > Math.floor((keys[i - 1] ?? 0) / PLACES))
  const tokens = Uint32Array.from(kept, key => Math.floor(key / PLACES))
  const places = Uint32Array.from(kept, key => key % PLACES)
  const ranked = new Set(places).size
  const words = new Uint32Array(4)
  return {
    *rank(block: BlockId) {
      const seen = new Uint8Array(ids.length)
      let at = nextToken(tokens, fnv1(ulidWords(block, words)))
      for (let left = ranked; left > 0; at = (at + 1) % tokens.length) {
        const place = places[at] ?? 0
        if (seen[place]) continue
        seen[place] = 1
        left--
        yield ids[place] ?? ''
      }
    },
  }
}

function checked(tokens: readonly number[], id: string): readonly number[] {
  const wrong = tokens.find(token => token >>> 0 !== token)
  if (wrong === undefined) return tokens
  throw new BlockgateError(
    ErrorCode.invalidConfig,
    `tokensOf("${id}") must give integers from 0 to 4294967295: current value is ${wrong}`,
  )
}

function checkTokenRing(options: TokenRingOptions): readonly Problem[] {
  const problems = checkOptions(options, {
    tokens: v.optional(
      v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'), v.maxValue(4096, 'be <= 4096')),
    ),
    tokensOf: v.optional(v.function()),
  })
  if (problems.length > 0 || options.tokens === undefined || options.tokensOf === undefined) return problems
  return [{ path: 'tokens', must: 'be left out where tokensOf gives them', value: options.tokens }]
}
