# SPDX-License-Identifier: GPL-2.0-only
"""exit.tbl -> exit_table.h: the dispatch table of kvm/run/dispatch.c, and the class names for logs."""
import tbl


def generate(tables, out):
    path = tables / "exit.tbl"
    rows, names, handlers, seen = [], [], set(), {}
    for row in tbl.rows(path, ["ec", "name", "handler", "control", "skip"]):
        try:
            ec = int(row["ec"], 16)
        except ValueError:
            tbl.fail(path, row["line"], f"'{row['ec']}' is not an exception class")
        if ec > 0x3f or ec in seen:
            tbl.fail(path, row["line"], f"class {ec:#x} is out of range or stands twice")
        if row["skip"] not in ("", "pre"):
            tbl.fail(path, row["line"], "the skip column is empty or 'pre'")
        if not row["control"]:
            tbl.fail(path, row["line"], "which control bit causes it?")
        seen[ec] = True
        handlers.add(row["handler"])
        pre = "true" if row["skip"] else "false"
        rows.append(f'\t[{ec:#04x}] = {{ "{row["name"]}", {row["handler"]}, {pre} }},\t/* {row["control"]} */\n')
        names.append(f"\tESR_EC_{row['name']} = {ec:#04x},\n")
    declare = "".join(f"enum trap_result {h}(struct vcpu *v);\n" for h in sorted(handlers))
    tbl.write(out / "exit_table.h",
              "/* generated from tables/exit.tbl */\n#pragma once\n" + declare +
              "static const struct exit_row exit_rows[64] = {\n" + "".join(rows) + "};\n")
    tbl.write(out / "exit_classes.h",
              "/* generated from tables/exit.tbl */\n#pragma once\nenum {\n" + "".join(names) + "};\n")
