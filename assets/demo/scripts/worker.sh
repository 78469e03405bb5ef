. ./lib.sh
begin
say "waits for orders"
while :; do
    beat
    if mv "$DATA/queue" "$DATA/queue.$ME" 2> /dev/null; then
        while read -r order; do
            echo "$order" >> "$DATA/orders"
            say "packed $order, $(lines "$DATA/orders") in all"
        done < "$DATA/queue.$ME"
        rm -f "$DATA/queue.$ME"
    fi
    tick 1
done
