/** How a function becomes a script that is served: so it is checked and formatted like all other code. */

/** The text of a function that uses nothing but what a browser has. */
export function script(fn: () => void): string {
  // Some bundlers name each function by a helper of theirs, which no browser has.
  return `'use strict';(()=>{const __name=f=>f;(${fn.toString()})()})()\n`
}
