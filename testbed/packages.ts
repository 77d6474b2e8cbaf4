/** Every Debian package that a script of the workspace installs on this machine, each with what needs it. */

const COMPILER = 'the addon, the drivers, their tests'
const KERNEL = 'building the debug kernel'
const WINDOWS = 'the Windows driver, its double and addon'

export const DEBIAN_PACKAGES = {
  bc: KERNEL,
  bison: KERNEL,
  'busybox-static': 'the shell of the VMs',
  clang: 'fuzzing, which wants libFuzzer',
  cmake: 'building the addons',
  cpio: 'the initramfs of the VMs',
  debootstrap:
    "roots of Debian: newer kernels' compilers, the machine with nothing on it of test:fresh, those of the Debian packages",
  dwarves: 'pahole, which writes the types (BTF) of a module for kernels that have them',
  flex: KERNEL,
  'g++': COMPILER,
  'g++-aarch64-linux-gnu': 'the addon for arm64',
  'g++-mingw-w64-x86-64-posix': 'the Windows addon',
  gcc: COMPILER,
  'gcc-12': "modules for Debian 12's kernels, which it has built",
  'gcc-aarch64-linux-gnu': "the module and the driver's tests for arm64",
  'gcc-mingw-w64-x86-64-posix': WINDOWS,
  kmod: 'modinfo, which says what the modules of 9p depend on',
  'libc6-dev': COMPILER,
  'libc6-dev-arm64-cross': "the driver's tests for arm64",
  'libclang-rt-14-dev': 'the sanitizers of clang',
  'libelf-dev': 'building kernels and modules: objtool',
  make: COMPILER,
  'mingw-w64-tools': WINDOWS,
  'mingw-w64-x86-64-dev': WINDOWS,
  musl: 'which symbols the prebuilt addons for musl find there',
  perl: "the kernel's checkpatch, and building the debug kernel",
  python3: KERNEL,
  'qemu-system-arm': 'VMs of arm64',
  'qemu-system-x86': 'VMs of amd64',
  sparse: "the kernel's static checker, part of every build of the module",
  wine: 'the lanes under Wine',
  wine64: 'the lanes under Wine',
  'xz-utils': 'unpacking kernels and their sources',
} as const

export type DebianPackage = keyof typeof DEBIAN_PACKAGES
