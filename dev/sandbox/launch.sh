#!/bin/sh
# Runs the sandbox's program with the first Python on PATH that Odoo 19 supports.
dev=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 2

is_supported() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

for python in python3 python3.13 python3.12 python3.11 python3.10; do
    if is_supported "$python"; then
        exec "$python" "$dev" "$@"
    fi
done
found=$(python3 --version 2>/dev/null || echo missing)
echo "dev/$1: no Python 3.10 to 3.13 on PATH (python3 is $found): install one, Odoo 19 runs on these." >&2
exit 2
