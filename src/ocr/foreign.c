/* SPDX-License-Identifier: MIT
 *
 * The name of what is refused, so that whoever sent it knows. */
#include "ocr/admit.h"

struct signature {
    uint64_t at;
    const char *bytes;
    const char *name;
};

static const struct signature signatures[] = {
    {0, "GIF8", "a GIF"},
    {0, "%PDF-", "a PDF"},
    {0, "%!PS", "PostScript"},
    {4, "jP  \r\n\x87\n", "a JPEG 2000"},
    {0, "\xff\x4f\xff\x51", "a JPEG 2000 code stream"},
    {4, "JXL \r\n\x87\n", "a JPEG XL"},
    {0, "\xff\x0a", "a JPEG XL code stream"},
    {4, "ftypavif", "an AVIF"},
    {4, "ftyp", "an HEIF or MP4"},
    {0, "8BPS", "a Photoshop file"},
    {0, "AT&TFORM", "a DjVu"},
    {0, "spix", "a Leptonica file"},
    {0, "RIFF", "a RIFF file that is not WebP"},
    {0, "P7\n", "a PAM"},
    {0, "\x89PNG", "a PNG that was changed on its way"},
    {0, "\x8aMNG", "an MNG"},
    {0, "PK\x03\x04", "a ZIP or office document"},
    {0, "\x1f\x8b", "gzip"},
    {0, "7z\xbc\xaf", "a 7z archive"},
    {0, "Rar!", "a RAR archive"},
    {0,
     "\x7f"
     "ELF",
     "a program"},
    {0, "<svg", "an SVG"},
    {0, "<?xml", "XML"},
    {0, "<!DOCTYPE", "HTML"},
    {0, "<html", "HTML"},
    {0, "{\\rtf", "RTF"},
    {0, "http://", "a URL: it is not fetched"},
    {0, "https://", "a URL: it is not fetched"},
    {0, "ftp://", "a URL: it is not fetched"},
};

/* "BM" alone would make a bitmap of every text that begins so. */
static bool is_bitmap(const struct bytes *file) {
    return bytes_match(file, 0, "BM") && bytes_has(file, 14, 4) && bytes_le32(file, 14) >= 12 &&
           bytes_le32(file, 14) <= 124;
}

/* Nothing but printable characters, space and bytes of UTF-8 at its beginning. */
static bool is_text(const struct bytes *file) {
    size_t length = file->size < 512 ? file->size : 512;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = file->at[i];
        bool space = byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r';
        if ((byte < ' ' && !space) || byte == 0x7f || byte == 0xc0 || byte == 0xc1 || byte >= 0xf5)
            return false;
    }
    return true;
}

const char *lend__foreign_name(const struct bytes *file) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (bytes_match(file, signatures[i].at, signatures[i].bytes))
            return signatures[i].name;
    if (is_bitmap(file))
        return "a BMP";
    return is_text(file) ? "text" : "nothing known here";
}
