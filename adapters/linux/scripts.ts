/**
 * What runs on the host itself, for /bin/sh as POSIX has it (dash, bash, busybox). The texts are constant: values come as
 * arguments and are never part of a script. One line each, because a word has no line ends.
 * What has to hold while a disk is written is checked here once more, in the same breath: names and sizes of devices are
 * those of this moment, and not of the moment in which somebody looked.
 */
const script = (...lines: readonly string[]): string => lines.join(' ')

/** Says no before anything was done. The one exit status that means so. */
export const NO = 90
/** It cannot be told. */
export const UNCLEAR = 91

const SAY = script('no() { echo "no: $1"; exit 90; };')

/** is PATH MARK: the device at that path is the disk that was meant. MOUNTPOINT is empty for what is not mounted. */
const DEVICE = script(
  SAY,
  'is() { case "$2" in',
  'serial:*) test "serial:$(lsblk -dnro SERIAL "$1")" = "$2" ;;',
  'wwn:*) test "wwn:$(lsblk -dnro WWN "$1")" = "$2" ;;',
  'path:*) test "$(readlink -e "$(expr "$2" : "path:\\(.*\\)")")" = "$1" ;;',
  '*) false ;; esac || no "$1 is not the disk $2 any more"; };',
  'unused() { m="$(lsblk -nro MOUNTPOINT "$1")" || no "$1 cannot be listed";',
  'test -z "$(echo "$m" | tr -d "[:space:]")" || no "$1 is mounted";',
  't="$(lsblk -nro TYPE "$1")" || no "$1 cannot be listed";',
  'test -z "$(echo "$t" | grep -vxE "disk|part|loop")" || no "something else sits on $1"; };',
)

const MIB = 1024 * 1024

/** PATH: what the device is now, what signatures it has, and whether its first and its last MiB are nothing but zeros. */
export const PROBE = script(
  'b="$(blockdev --getsize64 "$1")" || exit 1; r="$(blockdev --getro "$1")" || exit 1; s="$(blockdev --getss "$1")" || exit 1;',
  'echo "bytes=$b"; echo "ro=$r"; echo "sector=$s";',
  'blkid -p -o export "$1"; echo "blkid=$?";',
  `n=${MIB}; test "$b" -lt "$n" && n="$b";`,
  'if cmp -s -n "$n" "$1" /dev/zero &&',
  `dd if="$1" bs=${MIB} iflag=fullblock,skip_bytes skip=$((b-n)) status=none | cmp -s -n "$n" - /dev/zero;`,
  'then echo "zeros=yes"; else echo "zeros=no"; fi; echo "end=$1"',
)

/** The copy itself. It outlives whoever started it; how it ended is a file that appears whole. */
export const COPIER = script(
  'echo $$ >pid.new; mv pid.new pid;',
  'dd if="$1" of="$2" bs=1M iflag=fullblock conv=nocreat,notrunc,fsync status=progress 2>log; c=$?;',
  'sync "$2"; s=$?;',
  'echo "dd=$c sync=$s" >exit.new; sync exit.new; mv exit.new exit',
)

/**
 * FOLDER NAME INTENT SOURCE MARK TARGET MARK SOURCE-BYTES TARGET-BYTES SECTOR NEEDS COPIER: starts a copy.
 * The lock of its folder is held from before the name exists until the last of its processes has ended, and the kernel frees it
 * whatever happens: that, and no process number, says that a copy runs. The disks are locked likewise, the target alone.
 */
export const START = script(
  DEVICE,
  'umask 077; trap "" HUP; d="$1/copies"; name="$2"; by="$3"; shift 3; mkdir -p "$d" || no "$d cannot be made";',
  'test ! -e "$d/$name" || no "there is a copy $name already";',
  'test "$1" != "$3" || no "source and target are one disk";',
  'is "$1" "$2"; is "$3" "$4"; unused "$1"; unused "$3";',
  'test "$(blockdev --getro "$1")" = 1 || no "the source $1 is not read only";',
  'test "$(blockdev --getro "$3")" = 0 || no "the target $3 is read only";',
  'test "$(blockdev --getsize64 "$1")" = "$5" || no "the size of $1 changed";',
  'test "$(blockdev --getsize64 "$3")" = "$6" || no "the size of $3 changed";',
  't="$(mktemp -d "$d/.new-XXXXXXXX")" || no "no folder can be made in $d";',
  'bad() { rm -rf "$t"; no "$1"; };',
  'exec 9>"$t/lock" 8<"$3" 7<"$1"; flock -n 9 || bad "the lock cannot be taken";',
  'flock -w 5 8 || bad "the target $3 is locked: another copy is at work on it";',
  'flock -s -w 5 7 || bad "the source $1 is locked: another copy writes to it";',
  'printf "%s\\n" "by=$by" "source=$2" "sourcePath=$1" "target=$4" "targetPath=$3" "sourceBytes=$5" "targetBytes=$6"',
  '"sector=$7" "needs=$8" >"$t/request" || bad "no file can be written in $d";',
  'mv -T "$t" "$d/$name" || bad "there is a copy $name already";',
  'cd "$d/$name" || exit 91; setsid sh -c "$9" signalbox-copier "$1" "$3" </dev/null >/dev/null 2>&1 &',
  'cd "$d/$name" || exit 91; n=0; while test ! -s pid && test "$n" -lt 100; do sleep 0.1; n=$((n+1)); done;',
  'test -s pid || exit 91; echo "started"',
)

/** SOURCE TARGET BYTES: compares what stands on the disks, and not what the kernel still has in memory. */
export const VERIFIER = script(
  'echo $$ >pid.new; mv pid.new pid; blockdev --flushbufs "$1"; f=$?; blockdev --flushbufs "$2" || f=1;',
  '{ dd if="$1" bs=1M iflag=fullblock,count_bytes count="$3" status=progress 2>log; echo $? >read; }',
  '| cmp -n "$3" - "$2" >compared 2>&1; c=$?;',
  'echo "dd=$(cat read) cmp=$c flush=$f" >exit.new; sync exit.new; mv exit.new exit',
)

/** FOLDER NAME INTENT SOURCE MARK TARGET MARK BYTES VERIFIER */
export const VERIFY = script(
  DEVICE,
  'umask 077; trap "" HUP; d="$1/copies/$2"; test -d "$d" || no "there is no copy $2";',
  'flock -n -s "$d/lock" true || no "copy $2 still runs";',
  'is "$4" "$5"; is "$6" "$7"; unused "$4"; unused "$6";',
  't="$(mktemp -d "$d/.new-XXXXXXXX")" || no "no folder can be made in $d";',
  'bad() { rm -rf "$t"; no "$1"; };',
  'exec 9>"$t/lock" 8<"$6" 7<"$4"; flock -n 9 || bad "the lock cannot be taken";',
  'flock -s -w 5 8 || bad "the target $6 is locked: a copy is at work on it";',
  'flock -s -w 5 7 || bad "the source $4 is locked: a copy writes to it";',
  'printf "%s\\n" "by=$3" "bytes=$8" >"$t/request" || bad "no file can be written in $d";',
  'if test -e "$d/verify"; then flock -n -s "$d/verify/lock" true || bad "copy $2 is being verified"; rm -rf "$d/verify"; fi;',
  'mv -T "$t" "$d/verify" || bad "copy $2 is being verified";',
  'cd "$d/verify" || exit 91; setsid sh -c "$9" signalbox-verifier "$4" "$6" "$8" </dev/null >/dev/null 2>&1 &',
  'cd "$d/verify" || exit 91; n=0; while test ! -s pid && test "$n" -lt 100; do sleep 0.1; n=$((n+1)); done;',
  'test -s pid || exit 91; echo "started"',
)

/**
 * FOLDER NAME: all that its files say. Whether it runs is asked first and how it ended second: the other way round, one that ends
 * in between would look like one that died.
 */
export const LOOK = script(
  'test ! -e "$1" || test -x "$1" || exit 91; d="$1/copies"; test ! -e "$d" || test -x "$d" || exit 91; d="$d/$2";',
  'if test ! -d "$d"; then echo "copy=absent"; echo "end=$2"; exit 0; fi; echo "copy=present";',
  'one() { cat "$2/request" || exit 91; if flock -n -s "$2/lock" true; then echo "running=no"; else echo "running=yes"; fi;',
  'if test -e "$2/exit"; then echo "exit=$(cat "$2/exit")"; fi; if test -e "$2/stopped"; then echo "stopped=yes"; fi;',
  'if test -s "$2/compared"; then echo "compared=$(head -c 300 "$2/compared" | head -n 1)"; fi;',
  'if test -s "$2/log"; then tr "\\r" "\\n" <"$2/log" | grep . | tail -n 12 | sed "s/^/log=/"; echo; fi; echo "last=$1"; };',
  'one copy "$d"; if test -d "$d/verify"; then one verify "$d/verify"; fi; echo "end=$2"',
)

/** FOLDER NAME: ends the copy or its verification, whichever runs, with everything that it started. */
export const STOP = script(
  SAY,
  'd="$1/copies/$2"; test -d "$d" || no "there is no copy $2";',
  'if test -d "$d/verify" && ! flock -n -s "$d/verify/lock" true; then d="$d/verify"; fi;',
  'if flock -n -s "$d/lock" true; then no "nothing of copy $2 runs"; fi;',
  'p="$(cat "$d/pid")" || no "copy $2 is only just starting"; case "$p" in ""|*[!0-9]*|0|1) no "its process is not known" ;; esac;',
  // Its process group lives as long as the lock is held, so that the number cannot be anybody else's.
  ': >"$d/stopped" || no "no file can be written in $d"; kill -TERM "-$p"; kill -CONT "-$p";',
  'flock -w 20 -s "$d/lock" true || exit 91; echo "stopped"',
)

/** FOLDER NAME: forgets a copy that has ended. */
export const FORGET = script(
  SAY,
  'd="$1/copies/$2"; test -d "$d" || no "there is no copy $2"; flock -n -s "$d/lock" true || no "copy $2 still runs";',
  'if test -d "$d/verify"; then flock -n -s "$d/verify/lock" true || no "copy $2 is being verified"; fi;',
  't="$(mktemp -d "$1/copies/.gone-XXXXXXXX")" || no "no folder can be made"; mv -T "$d" "$t" || exit 91; rm -rf "$t"; echo "gone"',
)

/** PATH MARK --setro or --setrw */
export const SET = script(
  DEVICE,
  'is "$1" "$2"; unused "$1"; exec 8<"$1"; flock -w 5 8 || no "a copy is at work on $1"; blockdev "$3" "$1" && echo "set"',
)

/** PATH MARK: writes the backup of a GPT to where the disk ends now. */
export const REPAIR = script(
  DEVICE,
  'is "$1" "$2"; unused "$1"; test "$(blockdev --getro "$1")" = 0 || no "$1 is read only";',
  'exec 8<"$1"; flock -w 5 8 || no "a copy is at work on $1"; sgdisk -e "$1"',
)
