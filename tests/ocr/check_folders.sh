#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Folders: as an argument, one stands for its pictures; with -o, one takes the results.
. "$(dirname "$0")/program.sh"
cut_headlines
one=one.pgm two=two.pgm
expect_status 0 "$program" "$one"
mv out one.txt
expect_status 0 "$program" "$two"
mv out two.txt

# Pictures by their extension in any case, sorted by name; no other files, no hidden ones, no
# folders. A file that is named itself is read whatever it is called.
mkdir -p scans/sub.png more
cp "$two" scans/a.PNG
cp "$one" scans/B.jpeg # the extension chooses, the content is what counts
cp "$one" scans/b.png
cp "$one" scans/notes.txt
cp "$one" scans/.hidden.png
cp "$one" scans/sub.png/c.png
cp "$two" more/last.tif
cp "$two" plain
for folder in scans scans/; do
    expect_status 0 "$program" "$folder" plain more
    { cat one.txt; printf '\f'; cat two.txt; printf '\f'; cat one.txt; printf '\f'
      cat two.txt; printf '\f'; cat two.txt; } >wanted
    expect_same wanted out "the files of a folder, in order"
done
expect_status 1 "$program" -f json scans missing
cut -d '"' -f 4 out | tr '\n' ' ' >names
[ "$(cat names)" = "scans/B.jpeg scans/a.PNG scans/b.png missing " ] || fail "named: $(cat names)"

mkdir many
for name in 10 7 2 9 1 8 3; do
    printf 'P5 3 3 255\n.........' >"many/$name.pgm"
done
expect_status 0 "$program" -f json many
cut -d '"' -f 4 out | tr '\n' ' ' >names
sorted="many/1.pgm many/10.pgm many/2.pgm many/3.pgm many/7.pgm many/8.pgm many/9.pgm "
[ "$(cat names)" = "$sorted" ] || fail "not sorted: $(cat names)"

# Results: the folder is made, the extension says what they are, an older result is replaced, and
# nothing else is left there.
umask 027
for format in text:txt tsv:tsv hocr:hocr json:json; do
    expect_status 0 "$program" -f "${format%:*}" -o results "$one" plain
    [ ! -s out ] || fail "with -o something came on standard output"
    for name in one plain; do
        [ -s "results/$name.${format#*:}" ] || fail "no results/$name.${format#*:}"
    done
done
[ "$(ls -A results | wc -l)" -eq 8 ] || fail "left in results: $(ls -A results)"
expect_same one.txt results/one.txt "a result in a folder is not what is printed"
[ "$(stat -c %a results/one.txt)" = 640 ] || fail "the result does not follow the umask"
for format in tsv hocr; do
    expect_status 0 "$program" -f "$format" "$one"
    expect_same out "results/one.$format" "a result in a folder is not what is printed"
done
mkdir other
cp "$two" other/one.png
expect_status 0 "$program" -o results other/one.png
expect_same two.txt results/one.txt "an older result was not replaced"

cp "$one" two.dots.png
cp "$one" .png
expect_status 0 "$program" -o named two.dots.png .png
[ "$(ls -A named | tr '\n' ' ')" = ".png.txt two.dots.txt " ] || fail "named: $(ls -A named)"
