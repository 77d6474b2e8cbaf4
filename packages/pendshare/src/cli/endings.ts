/**
 * How the command ends before it is done: by a signal, or because nobody reads on. Imported before all else. Exiting closes
 * what is open, and the driver ends the shares of a closed device, so nothing stays pinned.
 */
import { EXIT } from './exit-codes.ts'

// As the first process of a container it would not be ended by a signal that it does not handle.
process.on('SIGINT', () => process.exit(EXIT.interrupted))
process.on('SIGTERM', () => process.exit(EXIT.terminated))

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit() // with what it would have said, for whoever asks
  })
}
