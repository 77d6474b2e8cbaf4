/** Opens a mock for the suite's own processes; `?holds` and `?drops` make its hold on the event loop wrong. */
import { mock } from '@pendshare/backend-mock'
import type { Watch } from '@pendshare/contract-tests'
import { type Backend, open as openDevice } from '@pendshare/core'

const FAULTS: Readonly<Record<string, 'ref' | 'unref'>> = { '?holds': 'unref', '?drops': 'ref' }
const fault = FAULTS[new URL(import.meta.url).search]

/** A backend that does not hear of one of the two calls; without `unref()` it holds from the start. */
function deaf(good: Backend): Backend {
  return {
    name: good.name,
    probe: () => good.probe(),
    async open(request, sink) {
      const device = await good.open(request, sink)
      if (fault === 'unref') device.ref()
      if (fault !== undefined) device[fault] = () => {}
      return device
    },
  }
}

export const open = (watch: Watch) => openDevice({ backend: watch(deaf(mock())) })
