. ./lib.sh
begin
for package in router orders; do
    if [ ! -f "$MODULES/$package/version" ]; then
        say "package $package is missing" >&2
        exit 1
    fi
done
say "release $RELEASE with router $(cat "$MODULES/router/version") listens on ${PORT:-8080}"
n=$NANOKIT_INSTANCE
while :; do
    beat
    n=$((n + 1))
    case $((n % 4)) in
        0) echo "$ME-$n" >> "$DATA/queue" && say "POST /orders 201 order $n" ;;
        2) say "GET /products 200 $((n % 7 + 3)) ms" ;;
    esac
    tick 1
done
