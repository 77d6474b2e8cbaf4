/** Opens the driver in the processes and workers that the contract suite starts; `?poll` and `?thread` say how to wake up. */
import type { Watch } from '@pendshare/contract-tests'
import { createOpen } from '@pendshare/core'
import { linux } from '../../src/index.ts'

const wakeup = new URL(import.meta.url).search.slice(1)

export const open = (watch: Watch) => createOpen({})({ backend: watch(linux), wakeup })
