export async function debugKernel(): Promise<never> {
  throw new Error('not yet')
}
