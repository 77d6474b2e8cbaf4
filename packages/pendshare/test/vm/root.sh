# Runs a command in a root of its own: the host's files, but for /etc, /lib/modules and /home, which it may write, and for what
# says that the host is a container.
set -e
here=$(pwd)
root=/run/root-of-doctor
mkdir $root
mount -t tmpfs tmpfs $root
for entry in /*; do
	case $entry in
	/etc | /lib | /home | "/$(echo "$here" | cut -d / -f 2)") ;;
	*)
		if [ -L "$entry" ]; then
			cp -P "$entry" $root
		elif [ -d "$entry" ]; then
			mkdir "$root$entry"
			mount --rbind "$entry" "$root$entry"
		fi
		;;
	esac
done

# Everyone may go through to them, whoever's home they are in.
for directory in "$here" "$PENDSHARE_STRIPPED" "$(dirname "$PENDSHARE_OLDER_DRIVER")"; do
	[ -d "$root$directory" ] && continue
	mkdir -p "$root$directory"
	mount --bind "$directory" "$root$directory"
done

mkdir -p $root/home $root/etc/udev/rules.d $root/etc/default "$root/lib/modules/$(uname -r)/updates"
for name in passwd group shadow gshadow login.defs nsswitch.conf ld.so.cache os-release pam.d security profile environment \
	bash.bashrc default/useradd alternatives; do
	[ -e "/etc/$name" ] && cp -a "/etc/$name" "$root/etc/$name"
done
for entry in /usr/lib/*; do
	[ "$entry" = /usr/lib/modules ] || ln -s "$entry" $root/lib
done
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null || true
exec chroot $root sh -c 'cd "$0" && exec "$@"' "$here" "$@"
