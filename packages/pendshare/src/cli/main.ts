/** The command `pendshare`: is the driver usable, what does it offer, who holds memory in it. Machine-readable with --json. */
import './endings.ts'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { PendshareError } from '../index.ts'
import { formatBytes, parseBytes } from './bytes.ts'
import { doctor, FIRST_STREAM_BYTES } from './doctor/index.ts'
import { EXIT } from './exit-codes.ts'
import { info } from './info.ts'
import { VERSION } from './package.ts'
import { revoke } from './revoke.ts'
import { top } from './top.ts'

const MAX_GRACE_MS = 3_600_000

const program = new Command('pendshare')
  .description("lend a Node.js program's memory to a kernel driver: look at the driver and at who uses it")
  .version(VERSION)
  .showHelpAfterError('(pendshare --help lists the commands)')
  // Inherited by the commands: they throw.
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: ${EXIT.done} done; ${EXIT.failed} it cannot be done, and a sentence says what to do; ${EXIT.usage} a mistake in the command line;
${EXIT.interrupted} Ctrl-C; of doctor: ${EXIT.done} ready, ${EXIT.failed} not ready, ${EXIT.unclear} cannot tell`,
  )

program
  .command('doctor')
  .description(
    'say whether this machine is ready, and what to type if not; exit code 0 ready, 1 not ready, 2 cannot tell',
  )
  .addOption(
    new Option('--bytes <n>', 'how much memory is to be lent at a time, such as 65536, 64KiB or 2GiB')
      .argParser(parseBytes)
      .default(FIRST_STREAM_BYTES, formatBytes(FIRST_STREAM_BYTES)),
  )
  .option('--json', 'print JSON')
  .action(doctor)

program
  .command('info')
  .description('open a device and print what its driver offers')
  .option(
    '--backend <name>',
    'linux, windows or mock; default: PENDSHARE_BACKEND, else the one of this system',
  )
  .option('--json', 'print JSON')
  .action(info)

program
  .command('top')
  .description('list the live shares of every process that this user may look into (Linux)')
  .option('--json', 'print JSON, once')
  .option(
    '--watch <seconds>',
    'look again every so many seconds; in a terminal a screen that keys sort, filter and scroll',
    seconds,
  )
  .action(top)

program
  .command('revoke')
  .description('for administrators: take the memory of every share back')
  .addOption(
    new Option(
      '--grace <ms>',
      'ask the owners first and wait so long; 0 ends all at once and kills open devices',
    )
      .argParser(graceMs)
      .default(0),
  )
  .action(revoke)

function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 0.1 && value <= 86_400)) throw new InvalidArgumentError('want 0.1 to 86400')
  return value
}

function graceMs(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > MAX_GRACE_MS) {
    throw new InvalidArgumentError(`want a whole number from 0 to ${MAX_GRACE_MS}`)
  }
  return value
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
  else if (error instanceof PendshareError) {
    console.error(`pendshare: ${error.code}: ${error.message}`)
    process.exitCode = EXIT.failed
  } else throw error
}
