# SPDX-License-Identifier: GPL-2.0-only
"""Reads tables: one row a line, columns separated by white space, '#' starts a comment, "..." keeps blanks."""
import shlex
import sys


def rows(path, columns):
    """Yield one dict a row; a row may leave out trailing columns. Names the line of any mistake and exits."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = shlex.split(line, comments=True)
        if not fields:
            continue
        if len(fields) > len(columns):
            fail(path, number, f"{len(fields)} columns, at most {len(columns)} expected")
        row = dict.fromkeys(columns, "")
        row.update(zip(columns, fields))
        row["line"] = number
        yield row


def fail(path, number, text):
    sys.exit(f"{path.name}:{number}: {text}")


def write(path, text):
    """Write only what changed, so that make rebuilds only what it must."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
