#!/bin/sh
# In a guest of the VM bed, as root: goes into the installed Debian as testbed/debian/guest.sh does, whose last line comes back here from
# within it, and has guest.ts look at it. guest.sh outside PART
set -u
[ "$1" = inside ] || . testbed/debian/guest.sh

cd "$2" || exit 1
mount -t securityfs securityfs /sys/kernel/security
[ ! -d /sys/firmware/efi ] || modprobe efivarfs
exec node --conditions=@pendshare/source testbed/secure-boot/guest.ts "$3"
