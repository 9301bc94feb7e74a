# SPDX-License-Identifier: MIT
#
# The fenced blocks of a Markdown file, each against the file that the comment above it names:
#
#     <!-- from examples/borrow.c -->
#     ```c
#     lines that stand in that file just so, one after the other; the whole block may be less
#     indented than there
#     ```
#
# or against what a program of the build prints (<!-- from examples/lend-ocr --help -->), if it was
# built. Blocks of shell commands need no source and come out as COMMAND FILE:LINE: TEXT.

# Does block[1..block_length] begin at source[from], indented by what source[from] has more?
function stands_at(from,    depth, indent, i, wanted) {
    depth = length(source[from]) - length(block[1])
    indent = substr(source[from], 1, depth)
    if (depth < 0 || indent !~ /^ *$/)
        return 0
    for (i = 1; i <= block_length; i++) {
        wanted = block[i] == "" ? "" : indent block[i]
        if (source[from + i - 1] != wanted)
            return 0
    }
    return 1
}

# Read what the comment names into source[]. Returns how many lines, or -1 if it was not built.
function read_source(name,    command, count, line) {
    count = 0
    if (name !~ / /) {
        while ((getline line < name) > 0)
            source[++count] = line
        close(name)
        return count
    }
    command = build "/" name
    if (system("test -x " substr(command, 1, index(command, " "))) != 0)
        return -1
    while ((command | getline line) > 0)
        source[++count] = line
    close(command)
    return count
}

function compare(name, place,    count, i) {
    count = read_source(name)
    for (i = 1; i + block_length - 1 <= count; i++)
        if (stands_at(i))
            return
    if (count >= 0)
        print "FINDING " place ": this block does not stand in " name
}

inside && /^```/ {
    inside = 0
    if (from != "")
        compare(from, place)
    from = ""
    next
}
inside {
    block[++block_length] = $0
    if (language == "sh" && from == "" && $0 != "")
        print "COMMAND " FILENAME ":" FNR ": " $0
    next
}
/^```/ {
    inside = 1
    language = substr($0, 4)
    block_length = 0
    place = FILENAME ":" FNR
    if (from == "" && language != "sh")
        print "FINDING " place ": this block names no source"
    next
}
/^<!-- from .* -->$/ {
    from = substr($0, 11, length($0) - 14)
    next
}
$0 != "" {
    from = ""
}
END {
    if (inside)
        print "FINDING " place ": this block has no end"
}
