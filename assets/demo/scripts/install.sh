# Fills the shared volume, once for all instances; what holds the lock and when it is needed, nanokit knows.
set -eu
while read -r package version; do
    echo "installing $package $version"
    mkdir -p "$NANOKIT_VOLUME_MODULES/$package"
    echo "$version" > "$NANOKIT_VOLUME_MODULES/$package/version"
    sleep 0.2 2> /dev/null || :
done < packages.txt
echo "installed $(wc -l < packages.txt | tr -d ' ') packages"
