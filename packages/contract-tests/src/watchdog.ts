/** Bounds every wait: a hang becomes a failure that says what hung. */
import { AssertionError } from 'node:assert/strict'

/** Settles as `promise` does, or rejects after `ms` naming `what`. Its timer keeps the event loop alive meanwhile. */
export async function within<T>(ms: number, what: string, promise: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const bite = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AssertionError({ message: `hung for ${ms} ms: ${what}` })), ms)
  })
  try {
    return await Promise.race([promise, bite])
  } finally {
    clearTimeout(timer)
  }
}
