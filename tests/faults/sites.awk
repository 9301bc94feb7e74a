# SPDX-License-Identifier: MIT
#
#     objdump -d --no-show-raw-insn PROGRAM | awk -f sites.awk
#
# Each place from which a wrapped function is called, by the address that it returns to:
#
#     RETURN-ADDRESS SYMBOL CALLER
#
# A caller may leave its own return address to the function that it ends with (a jump instead of a
# call): then the place is where that caller is called from, 0 if nobody in the program calls it.
# x86-64 and arm64.

function base(name) {
    return substr(name, index(name, "__wrap_") + 7)
}

/^[0-9a-f]+ <.*>:$/ {
    start = $1
    sub(/^0+/, "", start)
    name = substr($2, 2, length($2) - 3)
    name_of[start] = name
    waiting = 0
    next
}

/^ *[0-9a-f]+:/ {
    here = $1
    sub(/:$/, "", here)
    if (waiting) {
        calls++
        call_back[calls] = here
        call_to[calls] = target
        call_from[calls] = start
        waiting = 0
    }
    # operation, target's address, <its name>
    if ($2 ~ /^(call|bl)$/ && $4 ~ /^<[^+]*>$/) {
        target = $3
        wrapped[target] = $4 ~ /^<__wrap_/ ? base(substr($4, 2, length($4) - 2)) : ""
        waiting = 1
    } else if ($2 ~ /^(j[a-z]+|b|b\.[a-z]+)$/ && $4 ~ /^<__wrap_[^+]*>$/) {
        tails++
        tail_of[tails] = start
        tail_to[tails] = base(substr($4, 2, length($4) - 2))
    } else if (name !~ /^__wrap_/ && $0 ~ /<__wrap_[^+>]*>$/) {
        print "the address of " $NF " is taken in " name ": a call of it cannot be told" > "/dev/stderr"
        bad = 1
    } else if ($2 ~ /^(j[a-z]+|b|b\.[a-z]+)$/ && $4 ~ /^<[^+]*>$/ && $3 != start) {
        hops++
        hop_of[hops] = start
        hop_to[hops] = $3
    }
}

# Whoever calls the function at `address`, directly or through others that end with it. Returns how
# many there are.
function callers(address, symbol, depth,   i, found) {
    for (i = 1; i <= calls; i++)
        if (call_to[i] == address) {
            print call_back[i], symbol, name_of[call_from[i]] ">" name_of[address]
            found++
        }
    for (i = 1; i <= hops && depth < 4; i++)
        if (hop_to[i] == address)
            found += callers(hop_of[i], symbol, depth + 1)
    return found
}

END {
    for (i = 1; i <= calls; i++)
        if (wrapped[call_to[i]] != "")
            print call_back[i], wrapped[call_to[i]], name_of[call_from[i]]
    for (i = 1; i <= tails; i++)
        if (callers(tail_of[i], tail_to[i], 0) == 0) {
            print 0, tail_to[i], name_of[tail_of[i]]
            if (from_outside[tail_to[i]]++) {
                print "two calls of " tail_to[i] " from outside cannot be told apart" > "/dev/stderr"
                bad = 1
            }
        }
    exit bad
}
