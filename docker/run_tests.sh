#!/usr/bin/env bash
# Runs the test suite:  bash docker/run_tests.sh [ODOO TEST TAGS]
#
# In containers where a Docker engine answers, else in the developer sandbox. The exit code is the
# suite's, its last line is "N passed, N failed".
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
answer_seconds=5

has_docker_engine() {
    command -v docker >/dev/null && timeout "$answer_seconds" docker info >/dev/null 2>&1
}

if has_docker_engine; then
    exec bash "$here/run_in_containers.sh" "$@"
fi
echo "No Docker engine was found: the suite runs in the developer sandbox (dev/test)."
exec "$here/../dev/test" "$@"
