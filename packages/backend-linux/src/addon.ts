/** The addon of native/. */
import { addonLoader } from '@pendshare/native'

export const loadAddon = addonLoader({
  from: import.meta.url,
  name: 'pendshare_linux',
  tools: 'install cmake and a C++ compiler',
})
