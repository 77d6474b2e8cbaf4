/**
 * Preloaded into every Node of a guest, so that none strips types for itself: that is WebAssembly, which an emulated
 * processor compiles for seconds, in each process and worker anew.
 */
import * as nodeModule from 'node:module'
import { load } from './stripped-load.mjs'

// In this thread where that is possible, which is since Node 22.15.
if (nodeModule.registerHooks) nodeModule.registerHooks({ load })
else nodeModule.register('./stripped-load.mjs', import.meta.url)
