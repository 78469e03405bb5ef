. ./lib.sh
begin
say "recovered $(ls "$DATA/tables" | wc -l | tr -d ' ') tables"
say "ready"
n=0
while :; do
    beat
    n=$((n + 1))
    if [ $((n % 5)) -eq 0 ]; then
        say "checkpoint $((n / 5)): $(lines "$DATA/orders") orders"
    fi
    tick 1
done
