# Runs steps, each a script beside this one, and counts what they checked.
# shellcheck shell=bash
set -euo pipefail

logs=target/ci
passed=0 failed=0 skipped=0 troubled=()

# run_step STEP [SECONDS]: its log is left in $logs. A step that takes longer hangs; an hour if not given.
run_step() {
    local step=$1 limit=${2:-3600} start=$SECONDS status=0 p f s
    mkdir -p "$logs"
    echo "=== $step"
    timeout --kill-after=10 "$limit" ".ci/$step" 2>&1 | tee "$logs/$step.log" || status=$?
    read -r p f s < <(.ci/count "$status" "$logs/$step.log")
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" != 0 ]; then troubled+=("$step"); fi
    echo "=== $step: $((SECONDS - start)) s, +$p passed, +$f failed, +$s skipped"
}

# told: the last lines; fails if a check did.
told() {
    if [ "$failed" != 0 ]; then echo "with failures: ${troubled[*]}"; fi
    echo "$passed passed, $failed failed, $skipped skipped"
    test "$failed" = 0
}
