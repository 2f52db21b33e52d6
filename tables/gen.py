#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Turns the rows of tables/*.tbl into C. usage: gen.py OUTDIR. Each gen_NAME.py here has generate(tables, out)."""
import importlib
import pathlib
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: gen.py OUTDIR")
    tables = pathlib.Path(__file__).resolve().parent
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(tables))
    for module in sorted(tables.glob("gen_*.py")):
        importlib.import_module(module.stem).generate(tables, out)


if __name__ == "__main__":
    main()
