/** The contract as a suite: `runContract()` proves any backend; `laws` are its tests as plain data. */

export { Breach, LAWS, type LawName } from './breach.ts'
export { runLaw } from './context.ts'
export type { Law } from './law.ts'
export { laws } from './laws/index.ts'
export { runContract } from './run-contract.ts'
export { type Hooks, missing, type Need, type Runner, type Subject, type Watch } from './subject.ts'
