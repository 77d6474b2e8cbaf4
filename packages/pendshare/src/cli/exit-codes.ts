/** What the command's exit codes mean; packages/pendshare/README.md has them for users. */
export const EXIT = {
  /** Done; of `doctor`: this machine is ready. */
  done: 0,
  /** It cannot be done here, and a sentence said why; of `doctor`: not ready. */
  failed: 1,
  /** Of `doctor` alone: it cannot tell. */
  unclear: 2,
  /** An unknown command, option or value: EX_USAGE of sysexits.h. */
  usage: 64,
  interrupted: 130,
  terminated: 143,
} as const
