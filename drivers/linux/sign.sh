#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Signs pendshare.ko for machines with Secure Boot, with a key that is made here once and that the machine's owner enrols.
set -eu

key=
certificate=
enrol=no

usage() {
	cat <<END
usage: sign.sh [options] [KERNEL...]
Signs the installed pendshare.ko of each KERNEL (a release as uname -r says it; default: of all that have one), unless
it was, and checks that it bears the signature. Makes the key first if there is none.
  --key FILE --certificate FILE
                      private key (PEM) and its certificate (DER); default: /var/lib/dkms/mok.key and mok.pub, those of DKMS
  --enrol             then ask for the certificate to be trusted: mokutil wants a password, and at the next boot the
                      MOK manager wants it again
  --help              this text
END
}

fail() {
	echo "sign.sh: $*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--key | --certificate)
		[ $# -ge 2 ] || fail "$1 wants a file"
		if [ "$1" = --key ]; then key=$2; else certificate=$2; fi
		shift
		;;
	--enrol) enrol=yes ;;
	--help)
		usage
		exit 0
		;;
	-*) fail "there is no option $1; see --help" ;;
	*) break ;;
	esac
	shift
done

[ -n "$key" ] || [ -n "$certificate" ] || key=/var/lib/dkms/mok.key certificate=/var/lib/dkms/mok.pub
if [ -z "$key" ] || [ -z "$certificate" ]; then fail "--key and --certificate go together"; fi

command -v openssl >/dev/null || fail "openssl is not here; run: apt-get install openssl"

# A key is known by the serial number of its certificate, as many have the same name.
serial_of() { modinfo -F sig_key "$1" | tr -d ': \n'; }

# Never over a half of a pair: the other may be enrolled.
make_key() {
	[ ! -e "$key" ] || [ ! -e "$certificate" ] || return 0
	if [ -e "$key" ] || [ -e "$certificate" ]; then fail "of $key and $certificate there is only one"; fi
	echo "making the key $key and its certificate $certificate"
	mkdir -p "$(dirname "$key")" "$(dirname "$certificate")"
	(umask 077 && openssl req -new -x509 -nodes -days 36500 -newkey rsa:2048 -subj "/CN=Module signing key of $(uname -n)" \
		-keyout "$key" -outform DER -out "$certificate" 2>/dev/null)
	chmod 0644 "$certificate"
}

# The one that modprobe would load.
module_of() { modinfo -k "$1" -F filename pendshare 2>/dev/null || true; }

sign() {
	module=$(module_of "$1")
	[ -n "$module" ] || fail "there is no pendshare.ko for $1"
	if [ "$(serial_of "$module")" = "$serial" ]; then
		echo "$module: was signed by '$(modinfo -F signer "$module")' before"
		return
	fi
	tool=/lib/modules/$1/build/scripts/sign-file
	[ -x "$tool" ] || fail "there is no $tool; run: apt-get install linux-headers-$1"
	plain=$module
	case $module in
	*.ko) ;;
	*.ko.xz)
		plain=${module%.xz}
		xz --decompress --force "$module"
		;;
	*) fail "$module is compressed in a way that is not known here" ;;
	esac
	# A signature is appended: over another one it would not be the last thing that the module was.
	strip_signature "$plain"
	"$tool" sha512 "$key" "$certificate" "$plain"
	# The kernel's own decompressor takes no other checksum.
	[ "$plain" = "$module" ] || xz --check=crc32 --lzma2=dict=1MiB --force "$plain"
	[ "$(serial_of "$module")" = "$serial" ] || fail "$module does not bear the signature"
	echo "$module: signed by '$(modinfo -F signer "$module")'"
}

# objcopy writes the module anew, without what stands behind its last section.
strip_signature() {
	[ -z "$(modinfo -F sig_id "$1")" ] || objcopy "$1"
}

make_key
serial=$(openssl x509 -inform DER -in "$certificate" -noout -serial | sed 's/^serial=//')
[ -n "$serial" ] || fail "$certificate is no certificate in DER"
if [ $# -eq 0 ]; then
	for directory in /lib/modules/*; do
		release=${directory##*/}
		[ -z "$(module_of "$release")" ] || set -- "$@" "$release"
	done
	[ $# -gt 0 ] || fail "no kernel here has a pendshare.ko: build and install it first"
fi
for release in "$@"; do sign "$release"; done
if [ $enrol = yes ]; then
	command -v mokutil >/dev/null || fail "mokutil is not here; run: apt-get install mokutil"
	mokutil --import "$certificate"
	echo "reboot now: the MOK manager asks whether to enrol the key, and for the password"
fi
