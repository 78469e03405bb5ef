. ./lib.sh
begin
say "ready, empty"
n=0
while :; do
    beat
    n=$((n + 1))
    if [ $((n % 4)) -eq 0 ]; then
        say "$((n * 37)) hits, $((n * 3)) misses"
    fi
    tick 1
done
