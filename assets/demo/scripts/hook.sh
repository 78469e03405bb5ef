# A hook beside the main command: it sees the same volumes.
. ./lib.sh
moment
say "$1, $(lines "$DATA/orders") orders so far"
