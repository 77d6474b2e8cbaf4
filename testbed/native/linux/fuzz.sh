#!/bin/sh
# Fuzzes the dispatcher of the loaded pendshare.ko, in a VM, and says in TAP whether it came to its end: fuzz.sh [runs [seed]]
bed=$(dirname "$0")/..
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT

if "$bed/build/fuzz/fuzz-ioctl" -runs="${1:-5000}" -seed="${2:-1}" -max_len=300 -len_control=0 -verbosity=0 \
	-artifact_prefix="$found/" "$found" "$bed/linux/corpus"; then
	echo "ok 1 - ${1:-5000} programs of requests, and nothing left after each"
else
	for input in "$found"/crash-* "$found"/timeout-*; do
		[ -e "$input" ] && base64 "$input"
	done
	echo "not ok 1 - the fuzzer stopped"
fi
echo 1..1
