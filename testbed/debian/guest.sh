#!/bin/sh
# In a guest of the VM bed, as root: an installed Debian whose root lies at $PENDSHARE_SCRATCH loads what it would load at boot, a user
# types the README's lines and streams; then it upgrades and purges. Prints TAP. udevd, systemd-modules-load, dpkg, DKMS and npm's packages
# are its own; of systemd's boot there is no more, and DKMS has no compiler to wait for: upgrade.ts tells it to take the module that it has
# built for the same sources elsewhere.
# guest.sh outside OLD [NEW DIRECTORY-OF-PACKAGES]
set -u

if [ "$1" != inside ]; then
	root=$PENDSHARE_SCRATCH
	# Once more with a cache: nobody else looks at it as long as this machine runs.
	umount "$root"
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose scratch "$root"
	for tree in proc sys dev; do mount --rbind /$tree "$root/$tree"; done
	ln -s /proc/self/fd /dev/fd # udevd's work at boot
	for tree in run tmp; do mount -t tmpfs -o mode=1777 tmpfs "$root/$tree"; done
	# Everyone may go through to the repository, whoever's home it is in.
	case $PWD in
	/root/*) home=/root ;;
	/home/*) home=$(echo "$PWD" | cut -d / -f 1-3) ;;
	*) home= ;;
	esac
	if [ -n "$home" ]; then
		mkdir -p "$root$home"
		mount -t tmpfs -o mode=755 tmpfs "$root$home"
	fi
	for tree in "$PWD" "$PENDSHARE_STRIPPED"; do
		mkdir -p "$root$tree"
		mount --bind "$tree" "$root$tree"
	done
	# To systemd's tools a root that is not that of process 1 is none to work on.
	export SYSTEMD_IGNORE_CHROOT=1 DEBIAN_FRONTEND=noninteractive
	export PATH="$PWD/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin" TMPDIR=/tmp HOME=/root
	shift
	exec chroot "$root" /bin/sh "$PWD/$0" inside "$PWD" "$@"
fi

old=$3 new=${4-} packages=${5-}
points=0

# point NAME COMMAND...: one test, with what the command said when it failed.
point() {
	points=$((points + 1))
	name=$1
	shift
	if said=$("$@" 2>&1); then
		echo "ok $points - $name"
	else
		echo "not ok $points - $name"
		echo "$said" | sed 's/^/  /'
	fi
}

# What Node's compilers make, an emulated processor translates once more.
echo 'export NODE_OPTIONS=--jitless' >>/home/member/.profile

# Of an ordinary user who logs in and goes to the project.
member() { runuser --login member --command "cd project && $1"; }

# A line of the README's, as it stands there.
typed() { member ". /packages/typed/$1"; }

is() { [ "$1" = "$2" ] || { echo "'$1' and not '$2'" && false; }; }
gone() { [ ! -e "$1" ] && [ ! -L "$1" ]; }
not() { ! "$@"; }
loaded() { is "$(cat /sys/module/pendshare/version)" "$1"; }
in_place() { is "$(modinfo -F version pendshare)" "$1"; }
of_the_group() { is "$(stat -c '%a %U %G' /dev/pendshare)" '660 root pendshare'; }
streams() { member 'node first.mjs' >/tmp/first && tail -n 1 /tmp/first | grep "reason: 'peer-ended'"; }
refused() { member 'node first.mjs' 2>&1 | grep ERR_PENDSHARE_PERMISSION; }
reload() { modprobe -r pendshare && modprobe pendshare && udevadm settle; }

# Waits for at most a minute; what it waits for is under way.
until_true() {
	for _ in $(seq 240); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.25
	done
	echo "not within a minute: $*"
	false
}
more_than() { [ "$(cat /tmp/ticks)" -gt "$1" ]; }
goes_on() { until_true more_than "$(cat /tmp/ticks)"; }

/lib/systemd/systemd-udevd --daemon
point 'systemd-modules-load takes the line' /lib/systemd/systemd-modules-load
udevadm settle
point "the module $old is loaded" loaded "$old"
point 'udev gives the device to the group' of_the_group
point 'who is not of the group is refused' refused
point "the user types $(cat /packages/typed/load)" typed load
point "the user types $(cat /packages/typed/join)" typed join
point "and $(cat /packages/typed/doctor)" typed doctor
point "the README's first program streams to its end" streams

# While a share is live.
upgrade() {
	member 'node until.mjs /tmp/stop /tmp/ticks' >/tmp/stream 2>&1 &
	holder=$!
	point 'a share is live' until_true more_than 0
	start=$(cut -d. -f1 /proc/uptime)
	point "dpkg upgrades to $new" sh -c "dpkg -i $packages/*.deb >/tmp/upgrade 2>&1 || { cat /tmp/upgrade; exit 1; }"
	echo "# the upgrade took $(($(cut -d. -f1 /proc/uptime) - start)) s"
	point 'which says what the kernel goes on with' grep -F "goes on with pendshare $old; $new takes effect" /tmp/upgrade
	point 'the share is live still' goes_on
	point 'the kernel has the old module' loaded "$old"
	point 'the new one is in place' in_place "$new"
	point 'nobody can unload what is in use' not modprobe -r pendshare
	touch /tmp/stop
	wait $holder
	point 'the stream ends as it should' is "$(cat /tmp/stream)" released
	point 'the next load takes the new one' reload
	point "the module $new is loaded" loaded "$new"
	point 'udev gives the new device to the group' of_the_group
	point 'the user streams again' streams
}
[ -z "$new" ] || upgrade

cp "$(modinfo -F filename pendshare)" /tmp/pendshare.ko
gpasswd --delete member pendshare >/dev/null
start=$(cut -d. -f1 /proc/uptime)
point 'dpkg purges both packages' dpkg --purge pendshare-dkms pendshare-udev
echo "# the purge took $(($(cut -d. -f1 /proc/uptime) - start)) s"
point 'the module is unloaded' gone /sys/module/pendshare
point 'the device is gone' gone /dev/pendshare

# As with Secure Boot, which sets this too; there is no way back. No firmware has been asked to trust DKMS's key.
echo 1 >/sys/module/module/parameters/sig_enforce
rejected() { LC_ALL=C insmod "$1" 2>&1 | grep 'Key was rejected by service'; }
point 'a key that nobody has enrolled is rejected' rejected /tmp/pendshare.ko
objcopy /tmp/pendshare.ko /tmp/unsigned.ko
point 'so is a module without a signature' rejected /tmp/unsigned.ko

echo "1..$points"
udevadm control --exit
