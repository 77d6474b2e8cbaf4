/** The machine that this process runs on. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { release, userInfo } from 'node:os'
import { type AddonOrigin, PendshareError, type Probe } from '@pendshare/core'
import { listFiles } from '../fdinfo.ts'
import { engines, VERSION } from '../package.ts'
import { type Machine, type NodeStatus, type Permission, Unreadable } from './machine.ts'

/** `bytes`: how much is to be lent. */
export async function thisMachine(bytes: number): Promise<Machine> {
  const { loadAddon, probe } = await askBackend()
  const [program = process.execPath, ...rest] = process.argv
  return {
    platform: process.platform,
    arch: process.arch,
    release: release(),
    node: process.versions.node,
    oldestNode: engines.node.replace(/^\D+/, ''),
    version: VERSION,
    commandLine: [program, process.execArgv, ...rest],
    permission: permission(),
    env: process.env,
    uid: process.geteuid?.() ?? -1,
    groups: [...(process.getgroups?.() ?? []), process.getegid?.() ?? -1],
    user: attempt(() => userInfo().username),
    bytes,
    pinnedBytes: pinnedBytes(),
    read: (path) => attempt(() => readFileSync(path, 'utf8'), path),
    readBytes: (path) => attempt(() => readFileSync(path), path),
    list: (path) => attempt(() => readdirSync(path), path) ?? [],
    status: (path) => attempt(() => statusOf(path), path),
    moduleField: (name) =>
      attempt(() =>
        execFileSync('modinfo', ['-F', name, 'pendshare'], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
          // A user's own PATH often lacks it.
          env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
        }).trim(),
      ),
    loadAddon,
    probe,
  }
}

const ABSENT = ['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO']

/** `undefined` where there is none. With `path`: throws `Unreadable` for any other reason; without: none counts. */
function attempt<T>(get: () => T, path?: string): T | undefined {
  try {
    return get()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    if (path === undefined || ABSENT.includes(code ?? '')) return undefined
    if (code === undefined) throw error
    throw new Unreadable(`cannot read ${path}: ${code}`, { cause: error })
  }
}

function statusOf(path: string): NodeStatus {
  const status = statSync(path)
  const { uid, gid, mode, rdev } = status
  // As glibc packs them; larger ones than these are no device's of ours.
  return {
    uid,
    gid,
    mode,
    characterDevice: status.isCharacterDevice(),
    major: (rdev >> 8) & 0xfff,
    minor: minorOf(rdev),
  }
}

function minorOf(rdev: number): number {
  return (rdev & 0xff) | ((rdev >> 12) & 0xfff00)
}

function permission(): Permission | undefined {
  // Absent unless Node runs with --permission.
  const { permission: model } = process as { permission?: NodeJS.ProcessPermission }
  return model && { addons: model.has('addon'), read: model.has('fs.read') }
}

/** What programs of this user have lent, by the files that it may look into. */
function pinnedBytes(): number {
  const pages = listFiles().reduce((sum, file) => sum + file.pinnedPages, 0)
  if (pages === 0) return 0
  const kib = /^KernelPageSize:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/smaps', 'utf8'))?.[1]
  return pages * Number(kib) * 1024
}

interface Asked {
  loadAddon(): AddonOrigin
  readonly probe: Probe | undefined
}

async function askBackend(): Promise<Asked> {
  const none = () => {
    throw new PendshareError('ERR_PENDSHARE_ADDON', `there is no addon for ${process.platform}`)
  }
  if (process.platform === 'linux') {
    const { linux, loadedAddon } = await import('@pendshare/backend-linux')
    return { loadAddon: loadedAddon, probe: await linux.probe() }
  }
  if (process.platform === 'win32') {
    const { windows, loadedAddon } = await import('@pendshare/backend-windows')
    return { loadAddon: loadedAddon, probe: await windows.probe() }
  }
  return { loadAddon: none, probe: undefined }
}
