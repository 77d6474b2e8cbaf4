/** A tree that may be released, as far as checks look at it: this repository's own files, committed in a directory of their own. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mustRun } from '../../command.ts'
import { ROOT } from '../../pages.ts'
import { writeVersion } from '../version.ts'
import { manifestsIn } from '../versions.ts'

const FILES = [
  '.changeset/config.json',
  '.changeset/README.md',
  'package.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'LICENSE',
  'drivers/abi.json',
  'drivers/include/pendshare/abi.h',
  'drivers/linux/debian/changelog',
  'drivers/linux/main.c',
  'drivers/windows/pendshare.vcxproj',
]

const CHANGELOG = '# Changelog\n\n## Unreleased\n\nFirst version.\n'
export const DATE = new Date('2026-01-31T12:00:00Z')

export class Tree implements AsyncDisposable {
  readonly root: string

  /** Released as the version that this repository has. */
  static async create(): Promise<Tree> {
    const tree = new Tree(await mkdtemp(join(tmpdir(), 'pendshare-release-')))
    const manifests = (await manifestsIn(ROOT)).map(({ file }) => file)
    for (const file of [...FILES, ...manifests])
      await cp(join(ROOT, file), join(tree.root, file), { recursive: true })
    await tree.write('CHANGELOG.md', CHANGELOG)
    await tree.write('.gitignore', 'node_modules\n')
    await symlink(join(ROOT, 'node_modules'), join(tree.root, 'node_modules'))
    await mustRun(['git', 'init', '--quiet', '--initial-branch=main'], { cwd: tree.root })
    await writeVersion(tree.root, DATE)
    await tree.commit()
    return tree
  }

  private constructor(root: string) {
    this.root = root
  }

  read(file: string): Promise<string> {
    return readFile(join(this.root, file), 'utf8')
  }

  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.root, file)), { recursive: true })
    await writeFile(join(this.root, file), text)
  }

  /** Rejects where there is nothing to replace. */
  async replace(file: string, from: string | RegExp, to: string): Promise<void> {
    const before = await this.read(file)
    const after = before.replace(from, to)
    if (after === before) throw new Error(`${file} has no ${from}`)
    await this.write(file, after)
  }

  async commit(): Promise<void> {
    const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgSign=false']
    await mustRun(['git', 'add', '--all'], { cwd: this.root })
    await mustRun(['git', ...who, 'commit', '--quiet', '--message', 'a change'], { cwd: this.root })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.root, { recursive: true, force: true })
  }
}
