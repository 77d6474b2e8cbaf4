/** All broken backends: each is wrong in exactly one way. */
import type { Broken } from './bend.ts'
import { ends } from './ends.ts'
import { frames } from './frames.ts'
import { memory } from './memory.ts'
import { refusals } from './refusals.ts'
import { rings } from './rings.ts'

export const broken: readonly Broken[] = [...ends, ...memory, ...rings, ...frames, ...refusals]
