/** The frames' native tests: `../shared/run.ts` says which, and what `--records N` and `--seed N` do. */
import { main } from '../shared/run.ts'

await main('frames')
