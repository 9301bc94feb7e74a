# SPDX-License-Identifier: MIT
#
# C without its comments, each line as FILE:LINE:CODE. Strings and characters are told apart, so
# that "//" in one of them is no comment.
FNR == 1 {
    inside = 0
}
{
    code = ""
    rest = $0
    while (rest != "") {
        if (inside) {
            end = index(rest, "*/")
            if (end == 0)
                break
            inside = 0
            rest = substr(rest, end + 2)
            continue
        }
        if (!match(rest, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\/|\/[*]/)) {
            code = code rest
            break
        }
        token = substr(rest, RSTART, RLENGTH)
        code = code substr(rest, 1, RSTART - 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (token == "//")
            break
        if (token == "/*")
            inside = 1
        else
            code = code token
    }
    if (code !~ /^[ \t]*$/)
        print FILENAME ":" FNR ":" code
}
