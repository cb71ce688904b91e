# Steps of a script, their times and their counts. Sourced by scripts/check and scripts/test, which
# have changed to the root of the repository; not a program.
#
#   step NAME COMMAND…   runs it and shows what it prints; the first that fails ends the script
#   not_run NAME WHY     a step that cannot be run here
#   summary              the table of all steps, then `N passed, N failed, N skipped` alone on a line
#
# A test that the Rust tests leave out for want of PostgreSQL or another program adds its name to the
# file $VACANCY_TEST_SKIPS (crates/testkit/src/skip.rs). Its harness counts it as passed; here it is
# counted as skipped.

steps_dir=$(mktemp -d)
steps_table=$steps_dir/table
steps_began=$SECONDS
export VACANCY_TEST_SKIPS=$steps_dir/skips
: >"$steps_table"
: >"$VACANCY_TEST_SKIPS"

steps_counted() {
    # The closing lines of the runners used here: cargo test; checks of our own; unittest; node; pytest.
    awk -v skips="$(wc -l <"$VACANCY_TEST_SKIPS")" '
        { gsub(/\033\[[0-9;]*m/, "") }
        /^test result: / { passed += $4; failed += $6; next }
        /(^|: )[0-9]+ passed, [0-9]+ failed/ {
            for (i = 1; i < NF; i++) {
                if ($(i + 1) ~ /^passed,?$/) passed += $i
                if ($(i + 1) ~ /^failed,?$/) failed += $i
                if ($(i + 1) ~ /^(not|skipped)$/) skipped += $i
            }
            next
        }
        /^Ran [0-9]+ tests? in / { passed += $2; next }
        /^# pass [0-9]+$/ { passed += $3; next }
        /^# fail [0-9]+$/ { failed += $3; next }
        / [0-9]+ passed.* in [0-9.]+s/ {
            for (i = 1; i < NF; i++) if ($(i + 1) ~ /^passed,?$/) passed += $i
        }
        END { printf "%d %d %d\n", passed - skips, failed, skipped + skips }
    ' "$1"
}

steps_add() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$steps_table"; }

step() {
    local name=$1 began=$SECONDS status=0 passed failed skipped
    shift
    printf '\n== %s\n' "$name"
    : >"$VACANCY_TEST_SKIPS"
    # With bash's pipefail the status is the command's.
    "$@" 2>&1 | tee "$steps_dir/log" || status=$?
    read -r passed failed skipped < <(steps_counted "$steps_dir/log")
    ((status == 0 || failed > 0)) || failed=1
    # A step that counts nothing is one check.
    ((status != 0 || passed + failed + skipped > 0)) || passed=1
    steps_add "$name" $((SECONDS - began)) "$passed" "$failed" "$skipped" \
        "$([ $status = 0 ] || echo "FAILED with status $status")"
    [ $status = 0 ] || { summary; exit 1; }
}

not_run() {
    printf '\n== %s\nnot run: %s\n' "$1" "$2"
    steps_add "$1" 0 0 0 1 "not run: $2"
}

summary() {
    local took=$((SECONDS - steps_began))
    printf '\n== summary\n'
    awk -F '\t' '
        BEGIN { printf "%-44s %8s %8s %8s %8s\n", "", "time", "passed", "failed", "skipped" }
        {
            printf "%-44s %5d:%02d %8d %8d %8d%s\n", $1, $2 / 60, $2 % 60, $3, $4, $5, $6 ? "  " $6 : ""
            passed += $3; failed += $4; skipped += $5
        }
        END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped }
    ' "$steps_table"
    printf 'took %d:%02d\n' $((took / 60)) $((took % 60))
}

steps_clean() { rm -rf "$steps_dir"; }
