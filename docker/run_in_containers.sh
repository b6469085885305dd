#!/usr/bin/env bash
# Runs the test suite in containers:  docker/run_in_containers.sh [ODOO TEST TAGS]
#
# The exit code and the last line are the suite's own. Nothing is left behind but the image, whose
# layers make the next run quick. Exit code 2: the suite could not be started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A project of its own, so that runs at the same time never meet.
project="job_worker_tests_$$_$RANDOM"
scratch="$(mktemp -d)"

fail() {
    echo "run_in_containers.sh: $*" >&2
    exit 2
}

find_compose() {
    if docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose=(docker-compose)
    else
        fail "neither 'docker compose' nor 'docker-compose' is installed"
    fi
    compose+=(--project-name "$project" --file docker/compose.yaml)
}

# The suite runs on the image by its id: a run in another working copy may take over the tag meanwhile.
build_image() {
    docker build --file docker/Dockerfile --target test --tag job-worker-test:19.0 \
        --iidfile "$scratch/image" . >&2 || fail "the image could not be built (see above)"
    JOB_WORKER_TEST_IMAGE="$(cat "$scratch/image")"
    export JOB_WORKER_TEST_IMAGE
}

start_database() {
    "${compose[@]}" up --detach db >&2 || fail "PostgreSQL could not be started (see above)"
}

# Not a plain "run": version 1 of Compose prints the exit code after the suite's last line. And while
# bash waits for a job in the background, a signal is answered at once.
run_suite() {
    local container
    container="$("${compose[@]}" run --detach -T tests "$@")" || fail "the suite could not be started (see above)"
    docker logs --follow "$container" &
    wait $! || fail "the output of the suite could not be read (see above)"
    return "$(docker wait "$container")"
}

clean_up() {
    trap '' INT TERM
    local containers
    containers="$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project")"
    # shellcheck disable=SC2086  # one word for each container
    [ -z "$containers" ] || docker rm --force --volumes $containers
    [ ! -v JOB_WORKER_TEST_IMAGE ] || "${compose[@]}" down --volumes --remove-orphans
    rm -rf "$scratch"
}

find_compose
trap 'clean_up >/dev/null 2>&1' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
build_image
start_database
run_suite "$@"
