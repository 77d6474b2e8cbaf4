/** Opens the driver in the processes and workers that the contract suite starts. */
import type { Watch } from '@pendshare/contract-tests'
import { createOpen } from '@pendshare/core'
import { backend } from './bed.ts'

export const open = (watch: Watch) => createOpen({})({ backend: watch(backend) })
