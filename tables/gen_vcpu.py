# SPDX-License-Identifier: GPL-2.0-only
"""
kvm/vcpu.h, kvm/vcpu_state.h -> vcpu_dump.inc: the vCPU's sets by name, for panics and the debug file. Made from the
structs themselves, so that a field cannot be forgotten: a member that this file cannot read stops the build.
"""
import re

import tbl

SETS = [("config", "vcpu_config", "v->config"), ("traps", "vcpu_traps", "v->traps"), ("input", "vcpu_input", "v->input"),
        ("state", "vcpu_state", "v->state[0]")]
NUMBERS = {"bool", "u8", "u16", "u32", "u64", "s32", "s64", "int", "unsigned", "unsigned int"}


def body(text, head):
    """What stands between the braces after @head."""
    start = text.index(head + " {") + len(head) + 2
    depth, at = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def members(text):
    """Declarations, split at the semicolons outside braces."""
    depth, start = 0, 0
    for at, c in enumerate(text):
        depth += {"{": 1, "}": -1}.get(c, 0)
        if c == ";" and not depth:
            yield " ".join(text[start:at].split())
            start = at + 1


def values(text, enum):
    return [v.split("=")[0].strip() for v in body(text, "enum " + enum).split(",") if v.strip()]


class Sets:
    def __init__(self, path, text):
        self.path, self.text, self.lines, self.enums = path, text, [], {}

    def one(self, kind, declarator, prefix, lvalue):
        m = re.fullmatch(r"(\*?)(\w+)(?:\[(\w+)\])?(?: ?: ?\d+)?", declarator)
        if not m:
            tbl.fail(self.path, 0, f"gen_vcpu.py cannot read '{kind} {declarator}'")
        name, at = prefix + m[2], f"{lvalue}.{m[2]}"
        if m[1]:
            self.lines.append(f'\tdump_number(d, "{name}", !!{at});\n')
        elif kind in NUMBERS and m[3]:
            self.lines.append(f'\tfor (unsigned i = 0; i < ARRAY_SIZE({at}); i++)\n\t\tdump_number(d, "{name}", {at}[i]);\n')
        elif kind in NUMBERS:
            self.lines.append(f'\tdump_number(d, "{name}", {at});\n')
        elif kind.startswith("enum ") and f"{kind} {{" not in self.text:
            self.lines.append(f'\tdump_number(d, "{name}", {at});\n')
        elif kind.startswith("enum "):
            enum = kind[5:]
            self.enums[enum] = values(self.text, enum)
            self.lines.append(f'\tdump_name(d, "{name}", {enum}_names, ARRAY_SIZE({enum}_names), {at});\n')
        else:	# locks, lists, structs of others: no numbers of this set
            self.lines.append(f"\t/* {kind} {name} */\n")

    def walk(self, text, prefix, lvalue):
        for decl in members(text):
            if decl.startswith("struct {"):
                end = decl.rindex("}")
                name = decl[end + 1:].strip()
                if not name.isidentifier():	# an array: too long to show
                    self.lines.append(f"\t/* struct {name} */\n")
                    continue
                self.walk(decl[8:end], f"{prefix}{name}.", f"{lvalue}.{name}")
                continue
            m = re.fullmatch(r"((?:enum|struct|union) \w+|unsigned int|\w+) (.*)", decl)
            if not m:
                tbl.fail(self.path, 0, f"gen_vcpu.py cannot read '{decl}'")
            for declarator in m[2].split(","):
                self.one(m[1], declarator.strip().replace("* ", "*"), prefix, lvalue)


def generate(tables, out):
    kvm = tables.parent / "kvm"
    text = "".join((kvm / f).read_text() for f in ("vcpu.h", "vcpu_state.h"))
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    sets, code = Sets(kvm / "vcpu.h", text), []
    for name, struct, lvalue in SETS:
        sets.lines = []
        sets.walk(body(text, "struct " + struct), "", lvalue)
        code.append(f"static void dump_{name}(struct dump *d, const struct vcpu *v)\n{{\n" + "".join(sets.lines) + "}\n")
    names = "".join(f"static const char *const {e}_names[] = {{ " + ", ".join(f'"{v}"' for v in vals) + " };\n"
                    for e, vals in sets.enums.items())
    tbl.write(out / "vcpu_dump.inc", "/* generated from kvm/vcpu.h and kvm/vcpu_state.h */\n" + names + "".join(code))
