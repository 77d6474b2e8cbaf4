/**
 * Preloaded into every Node of a guest, so that none strips types for itself: that is WebAssembly, which an emulated
 * processor compiles for seconds, in each process and worker anew.
 */
import * as nodeModule from 'node:module'
import { load, resolve } from './stripped-load.mjs'

// In this thread where that is possible, which is since Node 22.15.
if (nodeModule.registerHooks) nodeModule.registerHooks({ resolve, load })
else nodeModule.register('./stripped-load.mjs', import.meta.url)
