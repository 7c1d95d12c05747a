/** An instant as text. */

/** RFC 3339; a number of ms that no Date can hold is shown as it is. */
export function instant(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
}
