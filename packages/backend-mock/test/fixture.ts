/** Opens a mock of its own in the processes and workers that the contract suite starts. */
import type { Watch } from '@pendshare/contract-tests'
import { open as openDevice } from '@pendshare/core'
import { mock } from '../src/index.ts'

export const open = (watch: Watch) => openDevice({ backend: watch(mock()) })
