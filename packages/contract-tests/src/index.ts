/** The contract as a suite: `runContract()` proves any backend; `laws` are its tests as plain data. */

export { runLaw } from './context.ts'
export { Breach, LAWS, type Law, type LawName } from './law.ts'
export { laws } from './laws/index.ts'
export { runContract } from './run-contract.ts'
export { type Hooks, missing, type Need, type Runner, type Subject, type Watch } from './subject.ts'
