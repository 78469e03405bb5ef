# A hook on the host: it runs in the project's folder and sees who it is for.
echo "host: $1 ($NANOKIT_PROJECT, $NANOKIT_ENV, $NANOKIT_SERVICE)"
