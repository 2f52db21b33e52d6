# SPDX-License-Identifier: GPL-2.0-only
"""tables/smccc.tbl -> smccc_ids.h (SMCCC_FN_*, handlers) and smccc_table.inc (rows sorted by id)."""
import tbl

COLUMNS = ["id", "name", "gate", "handler", "fast"]
BITMAPS = ("std", "stdhyp", "vendor", "vendor2")


def gate(path, row):
    name, _, bit = row["gate"].partition(":")
    if name in ("always", "psci01", "psci02") and not bit:
        return f"GATE_{name.upper()}", 0
    if name in BITMAPS and bit.isdigit() and int(bit) < 64:
        return f"GATE_{name.upper()}", int(bit)
    return tbl.fail(path, row["line"], f"no such gate: {row['gate']}")


def generate(tables, out):
    path = tables / "smccc.tbl"
    rows, handlers = {}, set()
    for row in tbl.rows(path, COLUMNS):
        number = int(row["id"], 0)
        if number in rows:
            tbl.fail(path, row["line"], f"{row['id']} is there already")
        if row["fast"] not in ("fast", "-"):
            tbl.fail(path, row["line"], "the last column is fast or -")
        rows[number] = row
        handlers.add(row["handler"])
    head = ["/* Generated from tables/smccc.tbl. */", "#pragma once"]
    head += [f"#define SMCCC_FN_{r['name']}\t{n:#x}U" for n, r in sorted(rows.items())]
    head += [f"enum trap_result smccc_{h}(struct vcpu *v, u32 fn);" for h in sorted(handlers)]
    tbl.write(out / "smccc_ids.h", "\n".join(head) + "\n")
    body = ["/* Generated from tables/smccc.tbl. */"]
    for n, r in sorted(rows.items()):
        name, bit = gate(path, r)
        body.append(f'\t{{ {n:#x}, {name}, {bit}, smccc_{r["handler"]}, "{r["name"]}" }},')
    tbl.write(out / "smccc_table.inc", "\n".join(body) + "\n")
