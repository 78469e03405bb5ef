. ./lib.sh
number=0
for table in customers products orders; do
    number=$((number + 1))
    if [ -f "$DATA/tables/$table" ]; then
        say "000$number $table: done before"
    else
        moment
        date > "$DATA/tables/$table"
        say "000$number $table: created"
    fi
done
say "schema is up to date"
