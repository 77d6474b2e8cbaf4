/** What can be measured by itself, in the order in which it is; the first ones need the driver. */
export const PARTS = [
  'pin',
  'cycle',
  'stream',
  'samples',
  'frames',
  'port',
  'doorbell',
  'budget',
  'many',
  'take',
  'mock',
] as const
export type Part = (typeof PARTS)[number]

export const HOST_PARTS: readonly Part[] = ['take', 'mock']

export function isPart(text: string): text is Part {
  return (PARTS as readonly string[]).includes(text)
}
