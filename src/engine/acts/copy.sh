# Copies a volume into a tar file of the project, or back. Runs inside a one-off instance that mounts both.
set -eu
umask 077
command -v tar >/dev/null 2>&1 && command -v sha256sum >/dev/null 2>&1 || exit 74
# A platform without mounts of its own says where the volume is; then the project is where it is.
eval "dir=\${$NK_VOLUME:-$NK_DIR}"
folder=$NK_FOLDER
[ -d "$folder" ] || folder=$NK_HOST
[ -d "$dir" ] || exit 75
place=$folder/$NK_BELOW
out=$place/$NK_NAME
sum_of() { sha256sum < "$1" | cut -d' ' -f1; }
if [ "$NK_DOES" = backup ]; then
    mkdir -p "$place" || exit 76
    # A link never takes the place of something, and nothing is written through one.
    [ ! -L "$out" ] && [ ! -L "$out.sha256" ] && [ ! -d "$out.sha256" ] || exit 70
    if [ -e "$out" ]; then
        # One that an earlier attempt of this very flow finished counts; any other is somebody's.
        [ -f "$out.sha256" ] || exit 70
        want=$(cut -d' ' -f1 < "$out.sha256")
        flow=$(sed -n 's/^# flow //p' "$out.sha256")
        [ -n "$NK_FLOW" ] && [ "$flow" = "$NK_FLOW" ] || exit 70
        [ "$(echo "$want" | head -n 1)" = "$(sum_of "$out")" ] || exit 73
        echo "$NK_NAME was written by an earlier attempt and is whole"
        exit 0
    fi
    part=$out.part.$$
    trap 'rm -f "$part" "$part.sha256"' EXIT
    # What a killed attempt left goes; what is planted meanwhile is not written through.
    rm -f "$part" "$part.sha256"
    set -C
    tar -C "$dir" -cf - . > "$part"
    { echo "$(sum_of "$part")  $NK_NAME"; echo "# flow $NK_FLOW"; } > "$part.sha256"
    set +C
    sync
    mv -f "$part.sha256" "$out.sha256"
    ln "$part" "$out" || { rm -f "$out.sha256"; exit 70; }
    rm -f "$part"
    owner=$(stat -c %u:%g "$folder" 2>/dev/null || true)
    [ -z "$owner" ] || chown "$owner" "$place" "$out" "$out.sha256" 2>/dev/null || true
    echo "$NK_NAME: $(wc -c < "$out") bytes"
else
    [ -f "$out" ] || exit 71
    [ -f "$out.sha256" ] || exit 72
    [ "$(head -n 1 "$out.sha256" | cut -d' ' -f1)" = "$(sum_of "$out")" ] || exit 73
    tar -tf "$out" >/dev/null || exit 73
    find "$dir" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
    tar -C "$dir" -xf "$out"
    sync
    echo "$NK_NAME was put back"
fi
