# SPDX-License-Identifier: GPL-2.0-only
"""syscall.tbl -> syscall_table.c: the dispatch table, with weak references, so that a handler nobody wrote is ENOSYS."""
import tbl

LIMIT = 512


def check(path, row, seen):
    number = row["number"]
    if not number.isdigit() or int(number) >= LIMIT:
        tbl.fail(path, row["line"], f"number {number} is not below {LIMIT}")
    if int(number) in seen:
        tbl.fail(path, row["line"], f"number {number} is there already")
    if row["handler"] not in ("yes", "-"):
        tbl.fail(path, row["line"], "handler is neither yes nor -")
    if row["handler"] == "yes" and row["args"] in ("", "-"):
        tbl.fail(path, row["line"], "a call with a handler names its arguments (or void)")
    seen.add(int(number))


def generate(tables, out):
    path = tables / "syscall.tbl"
    seen, rows = set(), []
    for row in tbl.rows(path, ("number", "name", "handler", "args")):
        check(path, row, seen)
        rows.append(row)
    decl = [f"SYSCALL({r['name']}) __attribute__((weak));" for r in rows if r["handler"] == "yes"]
    body = []
    for r in rows:
        fn = f"sys_{r['name']}" if r["handler"] == "yes" else "NULL"
        args = [] if r["args"] in ("void", "-") else r["args"].split(",")
        body.append(f"\t[{r['number']}] = {{ {fn}, \"{r['name']}\", \"{' '.join(args)}\", {len(args)} }},")
    text = ("// SPDX-License-Identifier: GPL-2.0-only\n/* Made from tables/syscall.tbl. */\n"
            '#include "linux/syscall.h"\n\n' + "\n".join(decl)
            + "\n\nconst struct syscall_row syscall_table[] = {\n" + "\n".join(body) + "\n};\n"
            + "const unsigned syscall_count = sizeof(syscall_table) / sizeof(syscall_table[0]);\n")
    tbl.write(out / "syscall_table.c", text)
