# Common words of the shop's scripts. Where a volume is, the variables say: a mount target inside a container, a
# folder of the project for a host process.
set -u
DATA=$NANOKIT_VOLUME_DATA
MODULES=${NANOKIT_VOLUME_MODULES:-}
ME=$NANOKIT_SERVICE-$NANOKIT_INSTANCE

say() {
    echo "$ME: $*"
}

# Tells health.sh that this instance is alive.
beat() {
    date +%s > "$DATA/beat/$ME.new" && mv -f "$DATA/beat/$ME.new" "$DATA/beat/$ME"
}

# Sleeps so that a signal is heard at once.
tick() {
    sleep "$1" &
    wait $!
}

# A short pause where `sleep` knows fractions, else none.
moment() {
    sleep 0.2 2> /dev/null || :
}

lines() {
    if [ -f "$1" ]; then
        wc -l < "$1" | tr -d ' '
    else
        echo 0
    fi
}

begin() {
    mkdir -p "$DATA/beat" "$DATA/tables" "$DATA/site"
    rm -f "$DATA/beat/$ME"
    trap 'rm -f "$DATA/beat/$ME"; say "closed"; exit 0' TERM INT
}
