/** `pendshare doctor` on Linux, in the order of doing. */
import { binary, device, mock, node, permission } from './common.ts'
import type { Look } from './finding.ts'
import { deviceNode, group } from './linux-access.ts'
import { driver, headers, loaded, reload, signature } from './linux-driver.ts'
import { hugePages, memlock } from './linux-memory.ts'
import { container, kernel, wsl } from './linux-system.ts'

export const linux: readonly Look[] = [
  node,
  permission,
  binary,
  kernel,
  container,
  wsl,
  headers,
  driver,
  signature,
  loaded,
  deviceNode,
  group,
  memlock,
  hugePages,
  device(['loaded', 'device', 'group'], reload),
  mock,
]
