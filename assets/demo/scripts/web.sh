. ./lib.sh
begin
port=${PORT:-8080}
page() {
    {
        echo "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2><title>shop</title>"
        echo "<h1>The shop is open</h1><p>$(lines "$DATA/orders") orders packed.</p><ul>"
        for heart in "$DATA"/beat/*; do
            echo "<li>$(basename "$heart")"
        done
        echo "</ul>"
    } > "$DATA/site/index.html.new" && mv -f "$DATA/site/index.html.new" "$DATA/site/index.html"
}
page
# Whatever here can serve a folder; without any of them the page is a file.
if command -v httpd > /dev/null && httpd --help 2>&1 | grep -q BusyBox; then
    httpd -f -p "$port" -h "$DATA/site" &
    say "serves port $port with httpd"
elif command -v busybox > /dev/null && busybox httpd --help > /dev/null 2>&1; then
    busybox httpd -f -p "$port" -h "$DATA/site" &
    say "serves port $port with busybox"
elif command -v python3 > /dev/null; then
    (cd "$DATA/site" && exec python3 -m http.server "$port" > /dev/null 2>&1) &
    say "serves port $port with python3"
else
    say "finds no web server here; the page is $DATA/site/index.html"
fi
n=0
while :; do
    beat
    page
    n=$((n + 1))
    if [ $((n % 6)) -eq 0 ]; then
        say "page drawn $n times, $(lines "$DATA/orders") orders"
    fi
    tick 1
done
