/** One call of the binding. */
import { orAborted } from 'blockgate'
import { r2Error } from './errors.ts'

/**
 * The answer to `request`, of which `what` must be. R2 takes no signal: after an abort it goes on, and nobody waits.
 *
 * @throws R2Error for whatever the binding threw; the signal's reason
 */
export async function call<T>(what: string, request: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await orAborted(request, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw r2Error(what, error)
  }
}
