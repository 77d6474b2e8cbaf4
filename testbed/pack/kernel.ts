/** The installed packages on real kernels: a stream through the prebuilt addon, for each processor and page size. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { mustRun } from '../command.ts'
import { runInVm } from '../linux-vm/run.ts'
import type { Checks } from './checks.ts'
import type { Project } from './project.ts'
import type { Tarball } from './tarballs.ts'

const KERNELS = [
  { kernel: '6.12', what: 'x64', addon: '@pendshare/linux-x64-gnu' },
  { kernel: 'arm64', what: 'arm64, pages of 4 KiB', addon: '@pendshare/linux-arm64-gnu' },
  { kernel: 'arm64-16k', what: 'arm64, pages of 16 KiB', addon: '@pendshare/linux-arm64-gnu' },
]

export async function checkKernels(
  checks: Checks,
  project: Project,
  tarballs: readonly Tarball[],
): Promise<void> {
  for (const { kernel, what, addon } of KERNELS)
    await checks.check(`${what}: streams through ${addon} from the kernel ${kernel}`, async () => {
      // What npm installs on the machine that the guest is.
      const packed = tarballs.find(({ manifest }) => manifest.name === addon)
      assert.ok(packed)
      await mkdir(project.home(addon), { recursive: true })
      await mustRun(['tar', '-xzf', packed.path, '--strip-components=1', '-C', project.home(addon)])
      await stream(project, kernel, addon)
    })
}

async function stream(project: Project, kernel: string, addon: string): Promise<void> {
  const { exitCode, output, problems } = await runInVm({
    kernel,
    command: ['node', 'stream.mjs'],
    cwd: project.directory,
    env: { NODE_OPTIONS: '--jitless' }, // what it compiles an emulated processor translates once more
    onOutput: () => {},
  })
  assert.deepEqual(problems, [], output)
  assert.equal(exitCode, 0, output)
  const told = JSON.parse(output)
  assert.equal(told.addon.kind, 'prebuilt')
  assert.ok(told.addon.path.includes(`/${addon}/`), told.addon.path)
  assert.equal(told.reason, 'peer-ended')
  assert.ok(told.ticks > 0 && told.ticks + told.dropped <= 100, output)
}
