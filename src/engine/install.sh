# Installs something once into a shared volume. Runs inside an instance, with /bin/sh of any kind.
#
# In:  NK_VOLUME (name of the variable that says where the volume is), NK_DIR (where it is otherwise), NK_HASH,
#      NK_NONCE, NK_OWNER (instance id), NK_NAME (instance name), NK_ENGINE, NK_SCOPE, NK_INSTALL, NK_CLEAN,
#      NK_WAIT (seconds to wait for a held lock), NK_BREAK (nonce of a lock that is proven dead)
# Out: lines "nk-install: KEY=VALUE" for the engine; everything else is the commands' own output.
# End: 0 installed; 75 the lock is held; 90 no volume; 91 not writable; 92 the lock is no lock of ours;
#      93 the sentinel could not be written; else the command's own code.
set -u
work=$PWD
eval "dir=\${$NK_VOLUME:-}"
[ -n "$dir" ] || dir=$NK_DIR
cd "$dir" 2>/dev/null || exit 90
lock=.nk-install-lock
sentinel=.nk-installed-$NK_HASH
dirty=.nk-dirty
mine=.nk-tmp.$NK_NONCE
failed=.nk-failed-$NK_HASH

say() { printf 'nk-install: %s\n' "$1"; }
is_installed() { [ -f "$sentinel" ] && [ ! -L "$sentinel" ] && head -c 4096 "$sentinel" 2>/dev/null | grep -qx "hash=$NK_HASH"; }
start_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
value_of() { head -c 4096 "$lock" 2>/dev/null | sed -n "s/^$1=//p" | head -n 1; }
refuse_foreign() {
    # Writing through a link, into a folder or to a pipe is what somebody who planted it waits for.
    for name in "$lock" "$dirty" "$mine" "$sentinel" "$failed"; do
        if [ -L "$name" ] || { [ -e "$name" ] && [ ! -f "$name" ]; }; then say "foreign=$name"; exit 92; fi
    done
    if [ -f "$lock" ] && [ "$(head -c 4097 "$lock" 2>/dev/null | wc -c)" -gt 4096 ]; then say "foreign=$lock"; exit 92; fi
}

if is_installed; then say state=already; exit 0; fi
refuse_foreign

owner=$NK_OWNER
if [ -z "$owner" ]; then
    # A one-off learns its id only from its own host name, where the platform gives it that.
    owner=$(cat /etc/hostname 2>/dev/null)
    [ "$(printf %s "$owner" | tr -d 0-9a-f | wc -c)" -eq 0 ] && [ "${#owner}" -eq 12 ] || owner=
fi
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown)
space=$(readlink /proc/self/ns/pid 2>/dev/null || echo unknown)
clock=$(readlink /proc/self/ns/time 2>/dev/null)
printf 'v=1\nnonce=%s\nhash=%s\nowner=%s\nname=%s\nengine=%s\nscope=%s\nboot=%s\nspace=%s\nclock=%s\npid=%s\nstart=%s\n' \
    "$NK_NONCE" "$NK_HASH" "$owner" "$NK_NAME" "$NK_ENGINE" "$NK_SCOPE" "$boot" "$space" "$clock" $$ "$(start_of $$)" \
    >"$mine" 2>/dev/null || exit 91

take() {
    # A link is atomic and brings the content along; where the volume knows no links, an exclusive create is.
    if ln "$mine" "$lock" 2>/dev/null; then return 0; fi
    [ "$(stat -c %h "$mine" 2>/dev/null)" = 2 ] && return 0
    [ -e "$lock" ] && return 1
    (set -C; cat "$mine" >"$lock") 2>/dev/null
}

is_alive() {
    [ "$(value_of boot)" = "$boot" ] && [ "$(value_of space)" = "$space" ] && [ "$space" != unknown ] || return 1
    pid=$(value_of pid)
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    [ -n "$(start_of "$pid")" ] && [ "$(start_of "$pid")" = "$(value_of start)" ]
}

is_dead() {
    # The same boot and pid namespace, and no such process: proof. The same instance in another incarnation: proof.
    [ "$(value_of boot)" = "$boot" ] && [ "$boot" != unknown ] && [ "$space" != unknown ] || return 1
    if [ "$(value_of space)" = "$space" ]; then
        pid=$(value_of pid)
        case $pid in '' | *[!0-9]*) return 1 ;; esac
        # In another time namespace the same process has another start time: there only its absence counts.
        there=$(value_of clock)
        [ -z "$there" ] || [ "$there" = "$clock" ] || [ -z "$(start_of "$pid")" ] || return 1
        [ "$(start_of "$pid")" != "$(value_of start)" ]
    else
        [ -n "$owner" ] && [ "$(value_of owner)" = "$owner" ]
    fi
}

break_lock() {
    # One winner: whoever moves it away. If it is not the lock that was judged, it goes back.
    mv "$lock" ".nk-broken.$NK_NONCE" 2>/dev/null || return 0
    if head -c 4096 ".nk-broken.$NK_NONCE" | grep -qx "nonce=$1"; then
        rm -f ".nk-broken.$NK_NONCE" ".nk-tmp.$1"
        : >"$dirty"
        say state=broken
    else
        ln ".nk-broken.$NK_NONCE" "$lock" 2>/dev/null
        rm -f ".nk-broken.$NK_NONCE"
    fi
}

if [ -n "$NK_BREAK" ] && [ "$(value_of nonce)" = "$NK_BREAK" ]; then break_lock "$NK_BREAK"; fi
waited=0
until take; do
    refuse_foreign
    if is_installed; then rm -f "$mine"; say state=already; exit 0; fi
    held=$(value_of nonce)
    if [ -n "$held" ] && is_dead; then break_lock "$held"; continue; fi
    if [ "$waited" -ge "$NK_WAIT" ]; then
        : >"$mine.age"
        now=$(stat -c %Y "$mine.age" 2>/dev/null || echo 0)
        beat=$(stat -c %Y "$lock" 2>/dev/null || echo 0)
        for key in nonce hash owner name engine scope boot pid; do say "$key=$(value_of $key)"; done
        say "age=$((now - beat))"
        if is_alive; then say proof=alive; fi
        rm -f "$mine" "$mine.age"
        exit 75
    fi
    sleep 1
    waited=$((waited + 1))
done

if is_installed; then rm -f "$lock" "$mine"; say state=already; exit 0; fi
(while kill -0 $$ && sleep 5 && [ "$(value_of nonce)" = "$NK_NONCE" ]; do touch "$lock"; done) </dev/null >/dev/null 2>&1 &
beat=$!

rc=0
if [ -e "$dirty" ]; then
    say state=dirty
    if [ -n "$NK_CLEAN" ]; then (cd "$work" && exec /bin/sh -c "$NK_CLEAN") || rc=$?; fi
fi
if [ "$rc" = 0 ]; then
    say state=installing
    printf '%s\n' "$NK_HASH" >"$dirty" || rc=91
fi
if [ "$rc" = 0 ]; then (cd "$work" && exec /bin/sh -c "$NK_INSTALL") || rc=$?; fi
case $rc in 75 | 9[0-3]) say "exit=$rc"; rc=1 ;; esac

kill "$beat" 2>/dev/null
for name in "$dirty" "$sentinel" "$failed"; do
    # Planted meanwhile, by the command itself or beside it.
    if [ -L "$name" ] || { [ -e "$name" ] && [ ! -f "$name" ]; }; then rc=93; failed=/dev/null; fi
done
if [ "$rc" = 0 ]; then
    # All of the volume has to be on the disk before the sentinel says so: `sync FILE` would write that file alone.
    if cp "$mine" "$mine.s" && { sync -f "$mine.s" 2>/dev/null || sync; } && mv "$mine.s" "$sentinel"; then
        # And the sentinel before anybody hears of it; this writes one folder, and where it cannot, nothing is lost.
        sync . 2>/dev/null
        for old in .nk-installed-* .nk-failed-*; do [ "$old" = "$sentinel" ] || rm -f "$old"; done
        rm -f "$dirty"
        say state=installed
    else
        rc=93
    fi
else
    printf 'rc=%s\n' "$rc" >"$failed"
fi
if [ "$(value_of nonce)" = "$NK_NONCE" ]; then rm -f "$lock"; fi
rm -f "$mine"
exit "$rc"
