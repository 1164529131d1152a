# Runs steps, each of which is a script beside this file, and counts their checks.
set -euo pipefail

logs=target/ci
rm -rf "$logs"
mkdir -p "$logs"

# run_step STEP [SECONDS]: leaves the step's log and counts in $logs. A step that takes longer than SECONDS
# counts as hanging and is killed; the default is an hour.
run_step() {
    local step=$1 limit=${2:-3600} start=$SECONDS status=0 p f s user system
    local TIMEFORMAT='%0U %0S'
    echo "=== $step"
    { time timeout --kill-after=10 "$limit" ".ci/$step" 2>&1; } 2>"$logs/$step.time" \
        | tee "$logs/$step.log" || status=$?
    read -r user system <"$logs/$step.time"
    .ci/count "$status" "$logs/$step.log" >"$logs/$step.count"
    read -r p f s <"$logs/$step.count"
    echo "=== $step: $((SECONDS - start)) s, $((user + system)) of processor time," \
        "+$p passed, +$f failed, +$s skipped"
}

# run_lanes STEPS...: each argument is a lane. The steps of a lane run one after the other; lanes run side by
# side. The output of a step is printed in one piece when the step has ended.
run_lanes() {
    local lane
    for lane; do
        for step in $lane; do
            run_step "$step" >"$logs/$step.said" 2>&1 || true
            flock "$logs/printing" cat "$logs/$step.said"
        done &
    done
    wait
}

# told: prints what failed and where its log is, and the sums as the last line. It fails if a check failed.
told() {
    local count p f s passed=0 failed=0 skipped=0 troubled=()
    for count in "$logs"/*.count; do
        read -r p f s <"$count"
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        if [ "$f" != 0 ]; then troubled+=("$(basename "$count" .count)"); fi
    done
    if [ "$failed" != 0 ]; then
        for step in "${troubled[@]}"; do
            echo "=== what failed in $step"
            .ci/failures "$logs/$step.log"
        done
        echo "with failures: ${troubled[*]}"
    fi
    echo "$passed passed, $failed failed, $skipped skipped"
    test "$failed" = 0
}
