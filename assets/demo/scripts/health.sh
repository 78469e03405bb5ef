# Healthy is who beat its heart in the last seconds.
. ./lib.sh
if [ ! -f "$DATA/beat/$ME" ]; then
    echo "no heartbeat yet"
    exit 1
fi
age=$(($(date +%s) - $(cat "$DATA/beat/$ME")))
if [ "$age" -gt 6 ]; then
    echo "the last heartbeat is $age s old"
    exit 1
fi
echo "alive"
