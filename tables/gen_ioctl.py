# SPDX-License-Identifier: GPL-2.0-only
"""ioctl.tbl -> ioctl_system.h, ioctl_vm.h, ioctl_vcpu.h: a dispatcher each, included by the file that has the handlers."""
import tbl

OBJECTS = {"system": "void *", "vm": "struct vm *", "vcpu": "struct vcpu *"}
ARGS = ("none", "value", "in", "out", "inout")


def body(path, row):
    name, handler, kind = row["name"], row["handler"], row["type"]
    if row["arg"] not in ARGS:
        tbl.fail(path, row["line"], f"unknown argument kind {row['arg']}")
    if (kind == "-") != (row["arg"] in ("none", "value")):
        tbl.fail(path, row["line"], "in, out and inout need a type, the others none")
    text = f"\tcase {name}:"
    if handler == "invalid" and kind == "-":
        return text + "\n\t\treturn -EINVAL;\n"
    if handler == "invalid":	# Linux reads the structure before it says no
        return text + f" {{\n\t\t{kind} a;\n\n\t\treturn copy_from_user(&a, arg, sizeof(a)) ? -EFAULT : -EINVAL;\n\t}}\n"
    text += " {\n"
    if kind != "-":
        text += f"\t\t{kind} a;\n\t\ts64 ret;\n\n"
    if row["needs"] == "init":
        text += "\t\tif (!o->config.initialized)\n\t\t\treturn -ENOEXEC;\n"
    elif row["needs"]:
        tbl.fail(path, row["line"], f"unknown need {row['needs']}")
    if row["arg"] == "none":
        return text + f"\t\treturn arg ? -EINVAL : {handler}(o);\n\t}}\n"
    if row["arg"] == "value":
        return text + f"\t\treturn {handler}(o, arg);\n\t}}\n"
    if row["arg"] in ("in", "inout"):
        text += "\t\tif (copy_from_user(&a, arg, sizeof(a)))\n\t\t\treturn -EFAULT;\n"
    else:
        text += "\t\tmemset(&a, 0, sizeof(a));\n"
    text += f"\t\tret = {handler}(o, &a);\n"
    if row["arg"] in ("out", "inout"):
        text += "\t\tif (ret >= 0 && copy_to_user(arg, &a, sizeof(a)))\n\t\t\treturn -EFAULT;\n"
    return text + "\t\treturn ret;\n\t}\n"


def generate(tables, out):
    path = tables / "ioctl.tbl"
    texts, seen = {kind: "" for kind in OBJECTS}, set()
    for row in tbl.rows(path, ["name", "kind", "arg", "type", "handler", "needs"]):
        if row["kind"] not in OBJECTS:
            tbl.fail(path, row["line"], f"unknown descriptor kind {row['kind']}")
        if (row["name"], row["kind"]) in seen:
            tbl.fail(path, row["line"], f"{row['name']} stands twice")
        seen.add((row["name"], row["kind"]))
        texts[row["kind"]] += body(path, row)
    for kind, obj in OBJECTS.items():
        tbl.write(out / f"ioctl_{kind}.h",
                  f"/* generated from tables/ioctl.tbl */\n#pragma once\n"
                  f"static s64 {kind}_cmd({obj}o, u32 cmd, u64 arg)\n{{\n\tswitch (cmd) {{\n{texts[kind]}"
                  f"\tdefault:\n\t\treturn -EINVAL;\t/* Linux/arm64's answer, not ENOTTY */\n\t}}\n}}\n")
