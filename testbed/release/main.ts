/**
 * `npm run release`: everything of a release but publishing it. Refuses, with every reason, a tree whose versions of ABI, driver
 * and packages do not fit together.
 */
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { ROOT } from '../pages.ts'
import { commandsFor, makeArtifacts } from './artifacts.ts'
import { checkTree } from './check.ts'
import { publishing } from './publishing.ts'
import { writeVersion } from './version.ts'

interface Flags {
  readonly out?: string
  readonly tag?: string
  readonly dryRun?: true
}

async function release(flags: Flags): Promise<void> {
  const { version, problems } = await checkTree(ROOT, flags.tag)
  for (const problem of problems) console.error(`release: ${problem}`)
  if (problems.length > 0) throw new Error('refused, for what stands above')
  console.log(`release: ${version} fits together`)
  const out = resolve(flags.out ?? join(ROOT, 'build/release', version))
  if (flags.dryRun) {
    for (const argv of await commandsFor(ROOT, version, out))
      console.log(`release: would run ${argv.join(' ')}`)
    return
  }
  const files = await makeArtifacts(ROOT, version, out)
  console.log(`release: in ${out}:\n${files.map((file) => `  ${file}`).join('\n')}`)
  console.log(await publishing(ROOT, version, out))
}

async function main(): Promise<void> {
  const program = new Command('npm run release --').description(
    'check that everything has one version, build and pack it, and print what is left to type; publishes nothing',
  )
  program
    .command('pack', { isDefault: true })
    .description('check, build, pack (the default)')
    .option('--out <dir>', 'where the files go, empty or new; default build/release/VERSION')
    .option('--tag <name>', 'refuse unless it is the tag of this version')
    .option('--dry-run', 'check, and print the commands instead of running them')
    .action(release)
  program
    .command('version')
    .description(
      "raise the version by the changesets, and write it to packages, drivers, ABI's record, changelog",
    )
    .action(async () => {
      const version = await writeVersion(ROOT, new Date())
      console.log(`release: ${version} is written; look at \`git diff\`, commit it, then \`npm run release\``)
    })
  await program.parseAsync()
}

try {
  await main()
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
