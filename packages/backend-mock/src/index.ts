/** The public names of the mock. */
export {
  type DriverStats,
  type Mock,
  type MockControls,
  type MockOptions,
  mock,
  type Schedule,
  type SteppedMock,
} from './backend.ts'
export type { Limits } from './driver.ts'
export type { Fault, FaultStep } from './faults.ts'
export { type Answer, mockPeer } from './peers/defined.ts'
export type { FrameTold, PeerFrames, TakenFrame } from './peers/frames.ts'
export type { Attachment, MockPeer, PeerShare } from './peers/peer.ts'
export type { ScheduleControls } from './scheduler/stepped.ts'
