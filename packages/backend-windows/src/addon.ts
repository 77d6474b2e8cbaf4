/** The addon of native/. */
import { addonLoader } from '@pendshare/native'

export const loadAddon = addonLoader({
  from: import.meta.url,
  name: 'pendshare_windows',
  prebuilt: ['win32-x64'],
  tools: 'install CMake and the C++ tools of Visual Studio',
})
