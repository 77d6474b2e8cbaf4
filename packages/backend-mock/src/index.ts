/** The public names of the mock. */
export { type DriverStats, type Mock, type MockControls, type MockOptions, mock } from './backend.ts'
export type { Fault, FaultStep } from './faults.ts'
export type { Attachment, MockPeer, PeerShare } from './peers/peer.ts'
