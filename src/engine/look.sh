# Looks at the lock and the sentinels of an installation. Runs inside an instance and writes nothing.
#
# In:  NK_VOLUME (name of the variable that says where the volume is), NK_DIR (where it is otherwise)
# Out: lines KEY=VALUE. End: 0; 90 no volume
set -u
eval "dir=\${$NK_VOLUME:-}"
[ -n "$dir" ] || dir=$NK_DIR
cd "$dir" 2>/dev/null || exit 90
lock=.nk-install-lock
value_of() { head -c 4096 "$lock" 2>/dev/null | sed -n "s/^$1=//p" | head -n 1; }
start_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
if [ -L "$lock" ] || { [ -e "$lock" ] && [ ! -f "$lock" ]; }; then
    echo foreign=1
elif [ -f "$lock" ]; then
    for key in nonce hash owner name scope engine; do printf '%s=%s\n' "$key" "$(value_of $key)"; done
    now=$(date +%s 2>/dev/null)
    beat=$(stat -c %Y "$lock" 2>/dev/null)
    [ -n "$now" ] && [ -n "$beat" ] && echo "age=$((now - beat))"
    boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown)
    space=$(readlink /proc/self/ns/pid 2>/dev/null || echo unknown)
    pid=$(value_of pid)
    case $pid in *[!0-9]*) pid= ;; esac
    if [ -n "$pid" ] && [ "$space" != unknown ] && [ "$(value_of boot)" = "$boot" ] && [ "$(value_of space)" = "$space" ]; then
        start=$(start_of "$pid")
        if [ -n "$start" ] && [ "$start" = "$(value_of start)" ]; then echo proof=alive; else echo proof=gone; fi
    fi
fi
[ -e .nk-dirty ] && echo dirty=1
for found in .nk-installed-*; do [ -f "$found" ] && printf 'installed=%s\n' "${found#.nk-installed-}"; done
for found in .nk-failed-*; do [ -f "$found" ] && printf 'failed=%s\n' "${found#.nk-failed-}"; done
exit 0
