# SPDX-License-Identifier: MIT
# One guest: starts it, streams its output, ends it, and reads its log.
# shellcheck shell=bash

# Commands rarely exit with these themselves; 124 is timeout's own.
EXIT_TIMEOUT=124
EXIT_GUEST=125

quote() {
	local arg
	for arg; do
		printf " '%s'" "${arg//\'/\'\\\'\'}"
	done
}

# Writes the files that the guest has in /run/lab.
write_guest_files() {
	local dir=$RUN/initramfs name size
	mkdir -p "$dir/lab"
	install -m 755 "$TREE/lab/guest/initramfs" "$dir/init"
	install -m 755 "$TREE/lab/guest/init" "$TREE/lab/guest/enter" "$dir/lab/"
	printf '#!/bin/bash\nexec%s\n' "$(quote "$@")" >"$dir/lab/command"
	chmod 755 "$dir/lab/command"
	size=$(stty size 2>/dev/null || echo 24 80)
	{
		for name in WORK NIC_NAME MODULE NIC NTUPLE SHARE HUGEPAGES MTU TERM SELFTESTS SHELL; do
			printf 'LAB_%s=%s\n' "$name" "$(quote "${CONFIG[$name]:-}")"
		done
		printf 'LAB_ROWS=%s LAB_COLUMNS=%s\n' "${size% *}" "${size#* }"
	} | sed "s/= '/='/" >"$dir/lab/config"
	{ cat "$INITRAMFS"; pack_cpio "$dir"; } >"$RUN/initrd"
}

# The console shows warnings and worse (loglevel 5); the whole kernel log is fetched at the end.
# TSC_KHZ: on a busy host the kernel's own calibration of the time stamp counter against emulated timers can be wrong, once by a
# factor of 32, and the guest's clock with it. Such a guest seems to hang, or complains of stalls.
kernel_line() {
	local size_mb=$((MEMORY / 2))
	printf '%s' "console=ttyS0 loglevel=${LOGLEVEL:-5} printk.time=1 panic=-1 oops=panic reboot=t" \
		" mitigations=off no_timer_check tsc=reliable tsc_early_khz=$TSC_KHZ random.trust_cpu=on log_buf_len=4M" \
		" nokaslr cryptomgr.notests hung_task_panic=1" \
		" udmabuf.list_limit=65536 udmabuf.size_limit_mb=$size_mb hugepages=$HUGEPAGES"
	((GIGANTIC == 0)) || printf '%s' " hugepagesz=1G hugepages=$GIGANTIC"
	[[ ! $COUNT ]] || count_kernel_line
}

chardev_file() {
	printf '%s\n' -chardev "file,id=$1,path=$2"
}

# Uses the QEMU in the root (see BACKPORTS there), so that every host has the same. Debian 12's QEMU (7.2)
# sometimes kills a guest with two processors, when one patches code that the other translates
# ("Oops: int3"). The root's own loader runs QEMU in place, without chroot or root.
set_qemu_command() {
	local libraries=$ROOT/usr/lib/x86_64-linux-gnu
	QEMU=(env "QEMU_MODULE_DIR=$libraries/qemu"
		"$libraries/ld-linux-x86-64.so.2" --library-path "$libraries"
		"$ROOT/usr/bin/qemu-system-x86_64"
		-L "$ROOT/usr/share/qemu" -L "$ROOT/usr/share/seabios")
}

# The processor lacks erms and fsrm: in software emulation "rep movsb" and "rep stosb" go byte by
# byte. If the kernel believed them to be fast, copies would take four times as long.
set_qemu_arguments() {
	local name accel=tcg,thread=multi
	[[ ! $COUNT ]] || accel=tcg,thread=single
	set_qemu_command
	QEMU+=(-M q35 -accel "${LAB_ACCEL:-$accel}"
		-cpu "${LAB_CPU:-max,-erms,-fsrm,-la57}" -smp "$CPUS" -m "$MEMORY" -nodefaults -no-user-config
		-display none -no-reboot -kernel "$KERNEL_IMAGE" -initrd "$RUN/initrd"
		-append "$(kernel_line)" -device virtio-rng-pci -device virtio-serial-pci
		-chardev "file,id=console,path=$CONSOLE" -serial chardev:console
		-virtfs "local,path=$ROOT,mount_tag=root,security_model=none,readonly=on,multidevs=remap")
	[[ ! $SHARE ]] || QEMU+=(-virtfs
		"local,path=${SHARE//,/,,},mount_tag=share,security_model=none,multidevs=remap")
	[[ $NIC_NAME != gve ]] || add_gve_arguments
	[[ ! $COUNT ]] || add_count_arguments
	for name in log status; do
		QEMU+=(-chardev "file,id=$name,path=$RUN/$name"
			-device "virtserialport,chardev=$name,name=lab.$name")
	done
	if [[ $SHELL_MODE ]]; then
		QEMU+=(-chardev "stdio,id=tty,signal=off" -device "virtconsole,chardev=tty")
		return
	fi
	for name in out err; do
		QEMU+=(-chardev "file,id=$name,path=$RUN/$name"
			-device "virtserialport,chardev=$name,name=lab.$name")
	done
}

# QEMU writes to pipes, which "cat" reads, because it would make our own stdout non-blocking.
start_streams() {
	mkfifo "$RUN/out" "$RUN/err"
	cat "$RUN/out" &
	STREAMS+=($!)
	cat "$RUN/err" >&2 &
	STREAMS+=($!)
}

start_console() {
	CONSOLE=$RUN/console
	: >"$CONSOLE"
	[[ $VERBOSE ]] || return 0
	LOGLEVEL=8
	CONSOLE=$RUN/console.pipe
	mkfifo "$CONSOLE"
	tee "$RUN/console" <"$CONSOLE" >&2 &
	STREAMS+=($!)
}

# Seconds that a guest may take to come up. It takes about ten, but in software emulation its kernel
# sometimes hangs on the way.
BOOT_LIMIT=${BOOT_LIMIT:-180}

# Kills a guest that is not up within BOOT_LIMIT seconds, and creates the file "stuck".
watch_boot() {
	local pid=$1 left=$BOOT_LIMIT
	while ! grep -q 'lab: the guest is up' "$RUN/console"; do
		sleep 1
		if ((left-- <= 0)); then
			: >"$RUN/stuck"
			kill "$pid"
			return
		fi
	done
}

# QEMU dies with this script, even if the script is killed outright.
run_qemu() {
	local limit=(timeout -k 2 "$TIMEOUT") input=/dev/null
	if [[ $SHELL_MODE ]]; then
		limit=(timeout --foreground 0)
		input=/dev/tty
		TTY_STATE=$(stty -g)
	fi
	setpriv --pdeathsig TERM "${limit[@]}" setpriv --pdeathsig KILL "${QEMU[@]}" \
		<"$input" 2>"$RUN/qemu" &
	QEMU_PID=$!
	QEMU_STATUS=0
	watch_boot "$QEMU_PID" >/dev/null 2>&1 &
	WATCH_PID=$!
	if [[ $MODEL_PID ]]; then
		wait_with_model
	else
		wait "$QEMU_PID" || QEMU_STATUS=$?
	fi
	QEMU_PID=
	end_watch
	end_model
}

end_watch() {
	[[ ! ${WATCH_PID:-} ]] || { kill "$WATCH_PID" && wait "$WATCH_PID"; } 2>/dev/null || true
	WATCH_PID=
}

boot_guest() {
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")
	STREAMS=()
	TSC_KHZ=$("$ROOT$WORK/guest/tsc_khz")
	write_guest_files "$@"
	start_console
	[[ $SHELL_MODE ]] || start_streams
	set_qemu_arguments
	start_model
	run_qemu
	end_streams
}

# In QEMU 10 too, one processor sometimes runs an instruction that the other is patching.
# If this happens while the kernel boots, before it loads any module, it is no fault of ours.
emulation_failed() {
	[[ ! -s $RUN/status ]] && grep -q 'Oops: int3' "$RUN/console" && grep -q 'Modules linked in:[[:space:]]*$' "$RUN/console"
}

# True if the guest failed before anything of ours ran in it. Sets WHY to the reason.
boot_failed() {
	WHY=
	if emulation_failed; then
		WHY="the emulator ran a half-patched instruction of the booting kernel"
	elif [[ -e $RUN/stuck ]]; then
		WHY="the guest was not up after $BOOT_LIMIT s; its last line: $(tail -n 1 "$RUN/console")"
	fi
	[[ $WHY ]]
}

# run_guest COMMAND...: returns what scripts/lab exits with.
run_guest() {
	local boots=1
	hold_root
	boot_guest "$@"
	while ((boots++ < 3)) && boot_failed; do
		say "$WHY: booting again"
		rm -rf "$RUN"
		boot_guest "$@"
	done
	verdict || return
	[[ ! $COUNT ]] || write_count
}

end_streams() {
	((${#STREAMS[@]})) || return 0
	# A stream that no writer has opened waits for ever.
	((QEMU_STATUS == 0)) || kill "${STREAMS[@]}" 2>/dev/null || true
	wait "${STREAMS[@]}" 2>/dev/null || true
	STREAMS=()
}

TROUBLE='WARNING:|BUG:|Oops|general protection|stalled pool shutdown|possible circular|'
TROUBLE+='INFO: possible|self-detected stall|detected stalls|blocked for more than|Call Trace|'
TROUBLE+='KASAN|UBSAN|Kernel panic|refcount_t|unregister_netdevice: waiting|lab: leftover'

# Prints the log without the warnings that a test announced. The line "lab: expected warning:
# FUNCTION" hides the next warning of that function, from its first line to its last, and no other.
# Everything else still counts. The console leaves out the line with "cut here".
without_expected() {
	awk '
		function tell() { printf "%s", held; held = "" }
		/lab: expected warning: / { sub(/.*lab: expected warning: /, ""); sub(/[^a-zA-Z0-9_].*/, ""); expected[$0] = 1; next }
		/-+\[ cut here \]-+/ { tell(); holding = 1; seen = 0; found = "" }
		/WARNING: / {
			if (!holding || seen) { tell(); holding = 1; found = "" }
			seen = 1
			for (f in expected) if ($0 ~ " at " f "\\+") found = f
		}
		!holding { print; next }
		{ held = held $0 "\n" }
		/---\[ end trace / {
			if (found != "") { delete expected[found]; held = "" } else tell()
			holding = 0; seen = 0
		}
		END { tell() }' "$1"
}

# Goes through a file. With a pipe, grep -q ends early and kills the writer with SIGPIPE, which
# pipefail would report as "nothing found".
has_trouble() {
	without_expected "$1" >"$RUN/judged"
	grep -q -E "$TROUBLE" "$RUN/judged"
}

show_log() {
	local log=$1 line
	show_complaints
	say "$2; from the kernel log:"
	without_expected "$log" >"$RUN/judged"
	log=$RUN/judged
	line=$(grep -n -E -m 1 "$TROUBLE" "$log" | cut -d: -f1 || true)
	[[ $line ]] || line=$(($(wc -l <"$log") - 25))
	((line > 5)) || line=6
	sed -n "$((line - 5)),$((line + 70))p" "$log" >&2
	cp "$log" "$LOGS/kernel.log"
	say "full log: $LOGS/kernel.log"
}

verdict() {
	local status='' log=$RUN/log
	[[ -s $log ]] || log=$RUN/console
	read -r status <"$RUN/status" 2>/dev/null || true
	if [[ -e $RUN/stuck ]]; then
		show_log "$log" "the guest was not up within $BOOT_LIMIT s, three times"
		return "$EXIT_GUEST"
	elif ((MODEL_STATUS)); then
		cat "$RUN/model" >&2
		show_log "$log" "the gve model died with status $MODEL_STATUS"
		return "$EXIT_GUEST"
	elif ((QEMU_STATUS == 124 || QEMU_STATUS == 137)); then
		show_log "$log" "stopped: the guest did not end within $TIMEOUT s"
		return "$EXIT_TIMEOUT"
	elif ((QEMU_STATUS)); then
		cat "$RUN/qemu" >&2
		say "qemu ended with status $QEMU_STATUS"
		return "$EXIT_GUEST"
	elif [[ ! $status ]]; then
		show_log "$log" "the guest died"
		return "$EXIT_GUEST"
	elif has_trouble "$log" || { log=$RUN/console && has_trouble "$log"; }; then
		show_log "$log" "the command ended with status $status, but the kernel complained"
		return "$EXIT_GUEST"
	elif [[ -s $RUN/complaints ]]; then
		show_complaints
		say "the command ended with status $status, but the gve model complained"
		return "$EXIT_GUEST"
	fi
	return "$status"
}

# For the exit trap: cleans up whatever exists.
end_guest() {
	end_watch
	[[ ! ${QEMU_PID:-} ]] || { kill "$QEMU_PID" && wait "$QEMU_PID"; } 2>/dev/null || true
	end_model
	[[ ! ${STREAMS[*]:-} ]] || kill "${STREAMS[@]}" 2>/dev/null || true
	[[ ! ${TTY_STATE:-} ]] || stty "$TTY_STATE" 2>/dev/null || true
	[[ ! ${RUN:-} ]] || rm -rf "$RUN"
}
