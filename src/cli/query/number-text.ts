/** Numbers and times as Prometheus' API writes them. */

/** `NaN`, `+Inf`, `-Inf`, `1e+21`; else the shortest decimal digits that give the same number back. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  // Go writes two digits of an exponent at least.
  return Object.is(value, -0) ? '-0' : String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

/** `1790834400.5` */
export function secondsText(ms: number): string {
  return numberText(ms / 1000)
}
