# SPDX-License-Identifier: MIT
"""The structs of lend_library.py lie in memory as the C compiler has them."""
import ctypes
import os
import subprocess
import tempfile
import unittest

import lend_library

# In C the printer's first field has a name that Python keeps for itself.
C_NAMES = {"print_as": "as"}


def expressions(structs):
    """Each as C: the size, then the offsets in the order of the fields."""
    for name, struct in structs.items():
        c_struct = name if name == "lend_deadline" else f"struct {name}"
        yield f"{name}: size", f"sizeof({c_struct})", ctypes.sizeof(struct)
        for field, *_ in struct._fields_:  # pylint: disable=protected-access
            yield (f"{name}.{field}", f"offsetof({c_struct}, {C_NAMES.get(field, field)})",
                   getattr(struct, field).offset)


class Structs(unittest.TestCase):
    def compare(self, header, structs):
        wanted = list(expressions(structs))
        lines = "".join(f'    printf("%zu\\n", {c});\n' for _, c, _ in wanted)
        source = (f"#include <{header}>\n#include <stdio.h>\n"
                  f"int main(void) {{\n{lines}    return 0;\n}}\n")
        include = os.path.join(os.environ["LEND_SOURCE_DIR"], "include")
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "structs")
            subprocess.run([os.environ.get("CC", "cc"), "-x", "c", "-I", include, "-o", program,
                            "-"], input=source.encode(), check=True)
            output = subprocess.run([program], check=True, capture_output=True).stdout
        self.assertEqual([(name, here) for name, _, here in wanted],
                         [(name, int(there)) for (name, _, _), there in
                          zip(wanted, output.split())])

    def test_of_lend(self):
        self.compare("lend/lend.h", lend_library.STRUCTS)

    def test_of_lend_ocr(self):
        self.compare("lend/ocr.h", lend_library.OCR_STRUCTS)


if __name__ == "__main__":
    unittest.main()
