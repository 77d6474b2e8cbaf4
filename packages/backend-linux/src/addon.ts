/** The addon of native/. */
import { addonLoader } from '@pendshare/native'

export const loadAddon = addonLoader({
  from: import.meta.url,
  name: 'pendshare_linux',
  prebuilt: ['linux-x64-gnu', 'linux-arm64-gnu', 'linux-x64-musl', 'linux-arm64-musl'],
  tools: 'install cmake and a C++ compiler',
})
