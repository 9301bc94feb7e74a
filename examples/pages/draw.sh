#!/bin/sh
# SPDX-License-Identifier: MIT
#
#     sh examples/pages/draw.sh
#
# Draws the sample pages NAME.png from NAME.txt, as a scanner at 150 dots per inch would see a
# printed page, in grey. The pictures are part of the project, so nothing else runs this. It needs
# these packages of Debian 12: pango1.0-tools imagemagick fonts-dejavu-core fonts-wqy-microhei
set -eu
cd "$(dirname "$0")"

# draw NAME FONT
draw() {
    pango-view --no-display --dpi=150 --font="$2" --margin=0 --output="$1.part.png" "$1.txt"
    # 16 greys are enough for the edges of letters, and compress well.
    convert "$1.part.png" -background white -alpha remove -colorspace gray \
        -bordercolor white -border 110x120 -posterize 16 \
        -units PixelsPerInch -density 150 -define png:exclude-chunks=date,time,tEXt \
        -define png:color-type=0 -define png:bit-depth=8 -define png:compression-level=9 "$1.png"
    rm "$1.part.png"
}

draw eng_1 "DejaVu Serif 11"
draw eng_2 "DejaVu Sans 11"
draw chi_1 "WenQuanYi Micro Hei 13"
draw chi_2 "WenQuanYi Micro Hei 13"
