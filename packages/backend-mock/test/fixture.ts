/** Opens a mock of its own in the processes and workers that the contract suite starts: with the pages that `?page=BYTES` says. */
import type { Watch } from '@pendshare/contract-tests'
import { open as openDevice } from '@pendshare/core'
import { mock } from '../src/index.ts'

const pageSize = Number(new URL(import.meta.url).searchParams.get('page'))

export const open = (watch: Watch) => openDevice({ backend: watch(mock({ pageSize })) })
