/** Each finding of `pendshare doctor` is made true, and mended by typing what it says. One machine, in the order of doing. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import {
  asRoot,
  asUser,
  COMMAND,
  DRIVER,
  doctorOfRoot,
  doctorOfUser,
  MODULES,
  OLDER_DRIVER,
  read,
  setUp,
  stay,
  type,
  USER,
} from './bed.ts'

const READY = { exitCode: 0, missing: [] }
const verdict = ({ exitCode, missing }: typeof READY | ReturnType<typeof doctorOfRoot>) => ({
  exitCode,
  missing,
})

before(() => {
  setUp()
  type('rmmod pendshare', 'depmod')
})

describe('from nothing to ready', () => {
  it('there is no driver: says so, and nothing of what comes after it', () => {
    const found = doctorOfUser()
    assert.deepEqual(found.missing, ['headers', 'driver'])
    assert.equal(found.of('group')?.since, 'driver')
    assert.deepEqual(found.of('headers')?.fix, ['sudo apt-get install -y linux-headers-$(uname -r)'])
    assert.match(found.of('driver')?.fix?.[0] ?? '', /^sudo apt-get install -y \.\/pendshare-udev_/)
    assert.equal(found.exitCode, 1)
    // What the packages would have done.
    copyFileSync(DRIVER, `${MODULES}/updates/pendshare.ko`)
    type('depmod')
  })

  it('the driver is not loaded', () => {
    const found = doctorOfUser()
    assert.deepEqual(found.missing, ['loaded'])
    type(...found.lines)
    assert.equal(doctorOfUser().of('loaded')?.state, 'ready')
  })

  it('the udev rule is not installed, nor the group there', () => {
    const found = doctorOfUser()
    assert.deepEqual(found.missing, ['group'])
    type(...found.lines)
    assert.equal(type('stat -c "%G %a" /dev/pendshare'), 'pendshare 660\n')
  })

  it('this user is not in the group, or logged in before, or logs in again', async () => {
    await using shell = stay()
    const found = read({ stdout: await shell.ask('pendshare doctor --json'), exitCode: null })
    assert.deepEqual(found.missing, ['group'])
    assert.deepEqual(found.lines, [`sudo usermod -aG pendshare ${USER}`])
    type(...found.lines)

    const before = read({ stdout: await shell.ask('pendshare doctor --json'), exitCode: null })
    assert.deepEqual(before.lines, ['newgrp pendshare'])
    for (const line of before.lines) shell.type(line)
    const after = read({ stdout: await shell.ask('pendshare doctor --json'), exitCode: null })
    assert.deepEqual(verdict(after), READY)

    assert.deepEqual(verdict(doctorOfUser()), READY)
  })
})

describe('memory that may be locked', () => {
  const LENT = 'lent\n'

  it('is too little in this shell', () => {
    const tight = 'ulimit -S -l 64'
    assert.match(asUser(tight, 'lend 1048576 </dev/null').stderr, /ERR_PENDSHARE_MEMLOCK/)
    const found = doctorOfUser(tight)
    assert.deepEqual(found.missing, ['memlock'])
    assert.deepEqual(verdict(doctorOfUser(tight, ...found.lines)), READY)
    assert.equal(asUser(tight, ...found.lines, 'lend 1048576 </dev/null').stdout, LENT)
  })

  it('is too little for this user', () => {
    const doctor = () => read(asUser('pendshare doctor --json --bytes 32MiB'))
    assert.match(asUser('lend 33554432 </dev/null').stderr, /ERR_PENDSHARE_MEMLOCK/)
    const found = doctor()
    assert.deepEqual(found.missing, ['memlock'])
    type(...found.lines)
    assert.deepEqual(verdict(doctor()), READY)
    assert.equal(asUser('lend 33554432 </dev/null').stdout, LENT)
  })

  it('counts what this user has lent already', () => {
    const found = read(
      asUser(
        'mkfifo in out',
        'lend 4194304 <in >out &',
        'exec 3>in 4<out',
        'read -r <&4',
        'pendshare doctor --json --bytes 30MiB',
        'status=$?',
        'exec 3>&-',
        'wait',
        'exit $status',
      ),
    )
    assert.deepEqual(found.missing, ['memlock'])
    assert.match(found.of('memlock')?.detail ?? '', /4 MiB are lent already/)
  })
})

describe('what went wrong later', () => {
  const nodes = [
    ['gone', []],
    ['another device', ['mknod /dev/pendshare c 1 3']],
  ] as const
  for (const [what, lines] of nodes)
    it(`the device node is ${what}`, () => {
      rmSync('/dev/pendshare')
      type(...lines)
      const found = doctorOfRoot()
      assert.deepEqual(found.missing, ['device'])
      type(...found.lines)
      assert.deepEqual(verdict(doctorOfRoot()), READY)
    })

  it('the driver speaks another ABI', () => {
    type('rmmod pendshare', `insmod ${OLDER_DRIVER}`)
    const { exitCode, stdout, stderr } = asRoot('pendshare info')
    assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: '' })
    assert.match(stderr, /^pendshare: ERR_PENDSHARE_ABI_MISMATCH: .*: the driver is older; [^\n]*\n$/)
    const found = doctorOfRoot()
    assert.deepEqual(found.missing, ['answer'])
    assert.deepEqual(found.lines, ['modprobe -r pendshare', 'modprobe pendshare'])
    type(...found.lines)
    assert.deepEqual(verdict(doctorOfRoot()), READY)
  })

  it('huge pages are a note', () => {
    const mode = '/sys/kernel/mm/transparent_hugepage/enabled'
    writeFileSync(mode, 'never')
    const found = doctorOfRoot()
    assert.deepEqual(verdict(found), READY)
    const note = found.of('huge pages')
    assert.equal(note?.state, 'note')
    type(...(note?.fix ?? []))
    assert.equal(doctorOfRoot().of('huge pages')?.fix, undefined)
  })

  it('Node runs with --permission', () => {
    const [node, ...rest] = COMMAND
    const found = read(
      asRoot([node, '--permission', "'--allow-fs-read=*'", ...rest, 'doctor --json'].join(' ')),
    )
    assert.deepEqual(found.missing, ['binary'])
    const { exitCode, stderr } = asRoot(
      [node, '--permission', "'--allow-fs-read=*'", ...rest, 'info'].join(' '),
    )
    assert.equal(exitCode, 1)
    assert.match(stderr, /^pendshare: ERR_PENDSHARE_ADDON_FORBIDDEN: [^\n]*--allow-addons[^\n]*\n$/)
    assert.equal(found.lines.length, 1)
    assert.deepEqual(verdict(read(asRoot(found.lines[0] ?? ''))), READY)
  })

  it('this user is no administrator', () => {
    type('chgrp pendshare /dev/pendshare')
    const { exitCode, stderr } = asUser('pendshare revoke')
    assert.equal(exitCode, 1)
    assert.match(stderr, /^pendshare: ERR_PENDSHARE_PERMISSION: [^\n]*run it as root\n$/)
    assert.equal(asRoot('pendshare revoke').exitCode, 0)
  })
})

describe('an end before the end', () => {
  const watch = () => {
    const [node, ...rest] = COMMAND
    const child = spawn(node, [...rest, 'top', '--watch', '0.1'])
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    return { child, end: once(child, 'close').then(([code]) => ({ code, stderr })) }
  }

  it('top --watch is interrupted', async () => {
    const { child, end } = watch()
    child.stdout.once('data', () => child.kill('SIGINT'))
    assert.deepEqual(await end, { code: 130, stderr: '' })
  })

  it('nobody reads what top --watch prints any more', async () => {
    const { child, end } = watch()
    child.stdout.once('data', () => child.stdout.destroy())
    assert.deepEqual(await end, { code: 0, stderr: '' })
  })
})

describe('what only a restart mends', () => {
  it('a container without the device asks for it, and says where the driver belongs', () => {
    rmSync('/dev/pendshare')
    writeFileSync('/.dockerenv', '')
    const found = doctorOfRoot()
    assert.deepEqual(found.missing, ['device'])
    assert.match(found.of('device')?.detail ?? '', /--device \/dev\/pendshare/)
    rmSync('/.dockerenv')
    type(...doctorOfRoot().lines)
    assert.deepEqual(verdict(doctorOfRoot()), READY)
  })

  it('the kernel has come to want signed modules', () => {
    writeFileSync('/sys/module/module/parameters/sig_enforce', '1')
    assert.deepEqual(verdict(doctorOfRoot()), READY)
    type('rmmod pendshare')
    assert.notEqual(asRoot('modprobe pendshare').exitCode, 0)
    const found = doctorOfRoot()
    assert.deepEqual(found.missing, ['signature'])
    assert.deepEqual(found.lines, ['reboot'])
  })
})
