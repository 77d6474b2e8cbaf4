/**
 * In a guest, as root of an installed Debian: `guest.ts PART` makes findings of `pendshare doctor` true, and types what it prints. Prints
 * TAP. A printed `reboot` is typed by ending: that is what the bed does with the machine then.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { release } from 'node:os'
import {
  asRoot,
  type Diagnosis,
  doctorOfRoot,
  doctorOfUser,
  installCommands,
  setUp,
  type,
} from '../../packages/pendshare/test/vm/bed.ts'
import { Checks } from '../pack/checks.ts'
import { PASSWORD } from './mok-manager.ts'

const CERTIFICATE = '/var/lib/dkms/mok.pub'
const MOUNT = 'mount -t efivarfs efivarfs /sys/firmware/efi/efivars'
const REJECTED = /Key was rejected by service/
const LOAD = ['modprobe pendshare']

const checks = new Checks()
const check = (name: string, test: () => void) => checks.check(name, test)
const field = (name: string) => type(`modinfo -F ${name} pendshare`).trim()

/** What is to be typed for the one thing that is missing. */
function lines(found: Diagnosis, missing: string): readonly string[] {
  assert.deepEqual([found.missing, found.exitCode], [[missing], 1], JSON.stringify(found.lines))
  return found.lines
}

function isRefused(why: RegExp): void {
  const { exitCode, stderr } = asRoot('modprobe pendshare')
  assert.notEqual(exitCode, 0)
  assert.match(stderr, why)
}

/** mokutil asks for one, and once more. */
function typeWithPassword(line: string): void {
  execFileSync('bash', ['-ec', line], { input: `${PASSWORD}\n${PASSWORD}\n` })
}

function loadsAndIsReady(): void {
  assert.deepEqual(lines(doctorOfRoot(), 'loaded'), LOAD)
  type(...LOAD)
  const { missing, exitCode } = doctorOfRoot()
  assert.deepEqual([missing, exitCode], [[], 0])
}

/** As where DKMS could not sign when it built: in what it has installed, and in what it keeps. */
function unsign(): void {
  const built = `/var/lib/dkms/pendshare/kernel-${release()}-x86_64/module/pendshare.ko`
  for (const module of [built, field('filename')]) type(`objcopy ${module}`)
  assert.equal(field('signer'), '')
}

function isBuiltAndSigned(): void {
  const typed = lines(doctorOfRoot(), 'signature')
  const named = `--force -m pendshare -v ${field('version')} -k ${release()}`
  assert.deepEqual(typed, [`dkms build ${named}`, `dkms install ${named}`])
  type(...typed)
  assert.equal(field('signer'), 'DKMS module signing key')
}

async function start(): Promise<void> {
  setUp()
  await check("the firmware's variables are to be seen first", () => {
    const typed = lines(doctorOfRoot(), 'signature')
    assert.deepEqual(typed, [MOUNT])
    type(...typed)
  })
  await check('the firmware has Secure Boot on', () => {
    assert.match(type('mokutil --sb-state'), /^SecureBoot enabled$/m)
  })
  await check('which locks the kernel down', () => {
    assert.match(readFileSync('/sys/kernel/security/lockdown', 'utf8'), /\[integrity\]/)
  })
  await check('the module is refused, as nobody has enrolled its key', () => isRefused(REJECTED))
  await check('there is no key: a build makes one, and signs with it', () => {
    unsign()
    for (const part of ['key', 'pub']) rmSync(`/var/lib/dkms/mok.${part}`)
    isBuiltAndSigned()
  })
  await check('the key is to be enrolled', () => {
    const typed = lines(doctorOfRoot(), 'signature')
    assert.deepEqual(typed, [`mokutil --import ${CERTIFICATE}`, 'reboot'])
    const ofUser = lines(doctorOfUser(), 'signature')
    assert.deepEqual(
      ofUser,
      typed.map((line) => `sudo ${line}`),
    )
    typeWithPassword(typed[0] ?? '')
  })
  await check('and waits for it', () => {
    assert.deepEqual(lines(doctorOfRoot(), 'signature'), ['reboot'])
  })
}

async function enrolled(): Promise<void> {
  type(MOUNT)
  await check('the key is enrolled: the module loads, and the machine is ready', loadsAndIsReady)
  await check('a stream runs', () => {
    const stream = 'node --conditions=@pendshare/source testbed/pack/programs/stream.mjs'
    assert.equal(JSON.parse(asRoot(stream).stdout).reason, 'peer-ended')
  })
  await check('a module that was built without a signature is refused', () => {
    type('modprobe -r pendshare')
    unsign()
    isRefused(REJECTED)
  })
  await check('it is built anew, and signed', isBuiltAndSigned)
  await check('it loads, and the machine is ready again', loadsAndIsReady)
  typeWithPassword('mokutil --disable-validation')
}

async function unvalidated(): Promise<void> {
  type(MOUNT)
  await check('the firmware has Secure Boot on, and shim lets everything in', () => {
    assert.match(
      type('mokutil --sb-state'),
      /^SecureBoot enabled\nSecureBoot validation is disabled in shim$/m,
    )
  })
  await check('a module without a signature loads, and the machine is ready', () => {
    unsign()
    loadsAndIsReady()
  })
}

async function lockedDown(): Promise<void> {
  await check('the module is refused without Secure Boot too', () => isRefused(/Operation not permitted/))
  await check('the command line is to be changed', () => {
    const found = doctorOfRoot()
    assert.deepEqual(lines(found, 'signature'), [])
    assert.match(found.of('signature')?.detail ?? '', /take lockdown= .* from the kernel's command line/)
  })
}

async function free(): Promise<void> {
  await check('without that word the module loads, and the machine is ready', loadsAndIsReady)
}

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  start,
  enrolled,
  unvalidated,
  'locked-down': lockedDown,
  free,
}

installCommands()
await PARTS[process.argv[2] ?? '']?.()
process.exitCode = checks.counts.failed === 0 ? 0 : 1
