# Reads the suite's log. -v failures=FILE -v passes=FILE: "unit: test", one a line, unsorted.
# Prints what each unit came to, and the sums.
function finish() {
    if (unit == "" || ok[unit] + bad[unit] + ignored[unit] == 0) return
    if (!(unit in listed)) { listed[unit] = 1; order[++units] = unit }
}
{ gsub(/\033\[[0-9;]*m/, "") }
match($0, /Testing (unit|integration)\/[a-z0-9\/-]+$/) { finish(); unit = substr($0, RSTART + 8); next }
/^\*\*\* / { next }  # The list at the end says it all again.
match($0, /\[ok\]: .* \([0-9]+ ms\)$/) {
    name = substr($0, RSTART + 6)
    sub(/ \([0-9]+ ms\)$/, "", name)
    print unit ": " name >>passes
    ++ok[unit]
}
match($0, /\[err\]: .*/) {
    name = substr($0, RSTART + 7)
    sub(/ in tests\/[a-z0-9\/_-]+\.tcl$/, "", name)
    print unit ": " name >>failures
    ++bad[unit]
}
match($0, /\[ignore\]: /) { ++ignored[unit] }
match($0, /did not end: (unit|integration)\/[a-z0-9\/-]+$/) {
    unit = substr($0, RSTART + 13)
    print unit ": (did not end)" >>failures
    ++bad[unit]
}
END {
    finish()
    printf "%-32s %6s %6s %7s\n", "unit", "passed", "failed", "ignored"
    for (i = 1; i <= units; ++i) {
        unit = order[i]
        passed += ok[unit]; failed += bad[unit]; left += ignored[unit]
        if (ok[unit] + bad[unit] > 0)
            printf "%-32s %6d %6d %7d\n", unit, ok[unit], bad[unit], ignored[unit]
    }
    printf "%-32s %6d %6d %7d\n", "all", passed, failed, left
}
