/** All laws, in the order in which they are tested. */
import type { Law } from '../law.ts'
import { closing } from './closing.ts'
import { deviceStates } from './device-states.ts'
import { doorbell } from './doorbell.ts'
import { events } from './events.ts'
import { frames } from './frames.ts'
import { framesEnds } from './frames-ends.ts'
import { playback } from './frames-playback.ts'
import { framesRefusals } from './frames-refusals.ts'
import { lease } from './lease.ts'
import { listeners } from './listeners.ts'
import { memory } from './memory.ts'
import { oneEnd } from './one-end.ts'
import { owner } from './owner.ts'
import { races } from './races.ts'
import { random } from './random.ts'
import { refusals } from './refusals.ts'
import { reuse } from './reuse.ts'
import { ring } from './ring.ts'
import { runs } from './runs.ts'
import { shareStates } from './share-states.ts'
import { streams } from './streams.ts'
import { threads } from './threads.ts'

export const laws: readonly Law[] = [
  ...lease,
  ...oneEnd,
  ...races,
  ...reuse,
  ...memory,
  ...closing,
  ...owner,
  ...threads,
  ...events,
  ...doorbell,
  ...ring,
  ...runs,
  ...streams,
  ...frames,
  ...playback,
  ...framesEnds,
  ...listeners,
  ...refusals,
  ...framesRefusals,
  ...shareStates,
  ...deviceStates,
  ...random,
]
