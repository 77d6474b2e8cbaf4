/** shim's MOK manager, which comes up at a start that something was asked of: what a person does there, on the serial console. */
import type { MachineOptions } from '../linux-vm/qemu.ts'

const ENTER = '\r'
const DOWN = '\x1b[B'
/** All of its menus offer first what changes nothing. */
const SECOND = DOWN + ENTER

/** What its owner chooses when something is asked of a machine, and has to know when the MOK manager asks. */
export const PASSWORD = 'pendshare'

/** What comes to stand on the screen, and the keys that are pressed then. */
type Steps = readonly (readonly [text: RegExp, keys: string | ((text: RegExpExecArray) => string)])[]

/** After `mokutil --import`. */
export const enrol: Steps = [
  [/Press any key to perform MOK management/, ENTER],
  [/Enroll MOK/, SECOND],
  [/View key 0/, SECOND],
  [/Enroll the key\(s\)\?/, SECOND],
  [/Password:/, PASSWORD + ENTER],
  [/Reboot/, ENTER],
]

const character: Steps[number] = [
  /Enter password character (\d+):/,
  ([, place]) => `${PASSWORD[Number(place) - 1]}${ENTER}`,
]

/** After `mokutil --disable-validation`. */
export const disableValidation: Steps = [
  [/Press any key to perform MOK management/, ENTER],
  [/Change Secure Boot state/, SECOND],
  ...[character, character, character],
  [/Disable Secure Boot/, SECOND],
  [/Reboot/, ENTER],
]

export interface Person {
  readonly onConsole: NonNullable<MachineOptions['onConsole']>
  /** What is still waited for. */
  awaited(): RegExp | undefined
}

/** Takes the steps, each once its text is there. */
export function personWho(steps: Steps): Person {
  let seen = ''
  let taken = 0
  return {
    onConsole(text, type) {
      seen += text
      const [awaited, keys] = steps[taken] ?? []
      const found = awaited?.exec(seen)
      if (!found || keys === undefined) return
      seen = ''
      taken += 1
      type(typeof keys === 'string' ? keys : keys(found))
    },
    awaited: () => steps[taken]?.[0],
  }
}
