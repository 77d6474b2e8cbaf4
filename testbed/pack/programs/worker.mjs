import { Worker } from 'node:worker_threads'

new Worker(new URL('open.mjs', import.meta.url))
