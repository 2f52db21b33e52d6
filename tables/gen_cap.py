# SPDX-License-Identifier: GPL-2.0-only
"""cap.tbl -> cap_check.h (for kvm/features.c) and cap_enable.h (for kvm/vm.c): a switch each."""
import tbl


def generate(tables, out):
    path = tables / "cap.tbl"
    check, enable, seen = "", "", set()
    for row in tbl.rows(path, ["name", "value", "enable", "flags"]):
        if row["name"] in seen:
            tbl.fail(path, row["line"], f"{row['name']} stands twice")
        seen.add(row["name"])
        if not row["value"]:
            tbl.fail(path, row["line"], "no value")
        if row["flags"] not in ("", "any"):
            tbl.fail(path, row["line"], f"unknown word on flags: {row['flags']}")
        check += f"\tcase {row['name']}:\n\t\treturn {row['value']};\n"
        if row["enable"] in ("", "-"):
            continue
        call = f"{row['enable']}(vm, c->args[0])"
        enable += f"\tcase {row['name']}:\n\t\treturn " + (call if row["flags"] else f"c->flags ? -EINVAL : {call}") + ";\n"
    head = "/* generated from tables/cap.tbl */\n#pragma once\n"
    tbl.write(out / "cap_check.h", f"{head}static s64 cap_value(struct vm *vm, u64 cap)\n{{\n\tswitch (cap) {{\n{check}"
              "\tdefault:\n\t\treturn 0;\n\t}\n}\n")
    tbl.write(out / "cap_enable.h", f"{head}static s64 cap_enable(struct vm *vm, const struct kvm_enable_cap *c)\n{{\n"
              f"\tswitch (c->cap) {{\n{enable}\tdefault:\n\t\treturn -EINVAL;\n\t}}\n}}\n")
