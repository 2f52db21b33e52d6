# SPDX-License-Identifier: GPL-2.0-only
"""tables/gicmmio.tbl -> gicmmio.h (handlers' declarations) and gicmmio.inc (rows, and the index by offset)."""
import tbl

COLUMNS = ["frame", "base", "length", "bits", "widths", "user", "name", "read", "write"]
FRAMES = {"D": "gicd", "R": "gicr_rd", "S": "gicr_sgi", "I": "gits"}
GRANULE = 128


def parse(path):
    frames = {f: [] for f in FRAMES}
    for row in tbl.rows(path, COLUMNS):
        if row["frame"] not in FRAMES or not row["write"]:
            tbl.fail(path, row["line"], "frame must be one of D R S I, and all columns be there")
        for key in ("base", "length", "bits"):
            row[key] = int(row[key], 0)
        row["widths"] = [int(w) for w in row["widths"].split(",")]
        end = row["base"] + row["length"]
        if row["base"] % 4 or row["length"] % 4 or end > 0x10000:
            tbl.fail(path, row["line"], "whole words inside of 64 KiB only")
        for other in frames[row["frame"]]:
            if row["base"] < other["base"] + other["length"] and other["base"] < end:
                tbl.fail(path, row["line"], f"overlaps {other['name']}")
        frames[row["frame"]].append(row)
    return frames


def index(path, regs):
    """Row numbers by granule of 128 bytes; a granule shared by rows has a table of its own by word."""
    granules, subs = [], []
    for start in range(0, 0x10000, GRANULE):
        words = [0] * (GRANULE // 4)
        for number, row in enumerate(regs, 1):
            for word in range(len(words)):
                if row["base"] <= start + word * 4 < row["base"] + row["length"]:
                    words[word] = number
        if len(set(words)) == 1:
            granules.append(words[0])
        else:
            if words not in subs:
                subs.append(words)
            granules.append(0x80 + subs.index(words))
    if len(regs) >= 0x7f or len(subs) > 0x7f:
        tbl.fail(path, 0, "too many rows for a byte")
    return granules, subs


def numbers(values):
    lines = []
    for i in range(0, len(values), 16):
        lines.append("\t" + " ".join(f"{v}," for v in values[i:i + 16]))
    return "\n".join(lines)


def generate(tables, out):
    path = tables / "gicmmio.tbl"
    frames = parse(path)
    reads, writes, text = set(), set(), []
    for letter, name in FRAMES.items():
        regs = frames[letter]
        text.append(f"static const struct vgic_reg {name}_regs[] = {{")
        for row in regs:
            read = write = "NULL"
            if row["read"] != "-":
                reads.add(row["read"])
                read = "vgic_read_" + row["read"]
            if row["write"] != "-":
                writes.add(row["write"])
                write = "vgic_write_" + row["write"]
            widths = 0
            for w in row["widths"]:
                widths |= w
            text.append(f'\t{{ {row["base"]:#x}, {row["length"]:#x}, {widths}, {row["bits"]}, '
                        f'{str(row["user"] == "u").lower()}, {str(8 in row["widths"]).lower()}, '
                        f'{read}, {write}, "{row["name"]}" }},')
        text.append("};")
        granules, subs = index(path, regs)
        text.append(f"static const u8 {name}_granule[512] = {{\n{numbers(granules)}\n}};")
        text.append(f"static const u8 {name}_sub[][32] = {{")
        text += ["\t{\n" + numbers(s) + "\n\t}," for s in subs] + ["};"]
    tbl.write(out / "gicmmio.inc", "/* Generated from tables/gicmmio.tbl. */\n" + "\n".join(text) + "\n")
    decl = ["/* Generated from tables/gicmmio.tbl. */", "#pragma once"]
    decl += [f"u64 vgic_read_{n}(struct vgic_access *a);" for n in sorted(reads)]
    decl += [f"int vgic_write_{n}(struct vgic_access *a, u64 val);" for n in sorted(writes)]
    tbl.write(out / "gicmmio.h", "\n".join(decl) + "\n")
