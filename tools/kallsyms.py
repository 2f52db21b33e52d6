#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""nm -n output (stdin or a file) to an assembly file with the kernel's symbol
table: ksym_count, ksym_addrs (u32 offsets from _text, ascending),
ksym_name_off (u32 offsets into ksym_names), ksym_names (NUL-terminated)."""
import sys


def main():
    text = open(sys.argv[1]).read() if len(sys.argv) > 1 else ""
    syms = []
    base = None
    for line in text.splitlines():
        part = line.split()
        if len(part) != 3:
            continue
        addr, kind, name = int(part[0], 16), part[1], part[2]
        if name == "_text":
            base = addr
        # Only code is looked up by address; $x/$d are the assembler's marks.
        if kind in "tTwW" and not name.startswith("$") and not name.startswith(".L"):
            syms.append((addr, name))
    if base is None:
        syms = []
    syms = [(a - base, n) for a, n in sorted(syms) if 0 <= a - (base or 0) < 1 << 32]
    out = ["/* Made by tools/kallsyms.py */", '\t.section .rodata.ksyms, "a"']

    def table(name, align):
        out.append(f"\t.balign {align}\n\t.globl {name}\n{name}:")

    table("ksym_count", 8)
    out.append(f"\t.long {len(syms)}")
    table("ksym_addrs", 4)
    out.extend(f"\t.long {a:#x}" for a, _ in syms)
    table("ksym_name_off", 4)
    off = 0
    for _, n in syms:
        out.append(f"\t.long {off}")
        off += len(n) + 1
    table("ksym_names", 1)
    out.extend(f'\t.asciz "{n}"' for _, n in syms)
    # The last address is never a real one, so that a table may be empty.
    out.append('\t.section .note.GNU-stack, "", %progbits')
    print("\n".join(out))


if __name__ == "__main__":
    main()
