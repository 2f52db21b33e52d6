# SPDX-License-Identifier: GPL-2.0-only
"""A root file system with just the shared libraries that some arm64 programs need,
taken from unpacked Debian packages: all libraries go to /lib, where ld.so looks."""
import os
import shutil
import struct

LOADER = "ld-linux-aarch64.so.1"


class BadRoot(Exception):
    pass


def _dynamic(data):
    """(program headers as (type, offset, vaddr, filesz), entries of PT_DYNAMIC)."""
    phoff, = struct.unpack_from("<Q", data, 32)
    phentsize, phnum = struct.unpack_from("<HH", data, 54)
    heads, entries = [], []
    for i in range(phnum):
        kind, _, off, vaddr, _, size = struct.unpack_from("<IIQQQQ", data, phoff + i * phentsize)
        heads.append((kind, off, vaddr, size))
        if kind == 2:
            for at in range(off, off + size, 16):
                tag, val = struct.unpack_from("<QQ", data, at)
                entries.append((tag, val))
    return heads, entries


def needed(path):
    """Names of the libraries that the arm64 ELF file @path asks for (DT_NEEDED)."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:4] != b"\x7fELF" or data[4] != 2 or data[18] != 183:
        return []
    heads, entries = _dynamic(data)
    strtab = next((val for tag, val in entries if tag == 5), None)
    if strtab is None:
        return []
    for kind, off, vaddr, size in heads:
        if kind == 1 and vaddr <= strtab < vaddr + size:
            base = off + strtab - vaddr
            break
    else:
        return []
    return [data[base + val:data.index(b"\0", base + val)].decode() for tag, val in entries if tag == 1]


def _find(roots):
    """Library name -> path, from every lib folder under @roots."""
    found = {}
    for root in roots:
        for folder, _, names in os.walk(root):
            if "/lib" not in folder[len(root):]:
                continue
            for name in names:
                if ".so" in name:
                    found.setdefault(name, os.path.join(folder, name))
    return found


def _real(path, roots):
    """What the symlink @path stands for; absolute ones start at one of @roots."""
    while os.path.islink(path):
        target = os.readlink(path)
        if target.startswith("/"):
            target = next((r + target for r in roots if os.path.lexists(r + target)), target)
        path = os.path.join(os.path.dirname(path), target)
    return path


def collect(roots, libs, dst, programs=()):
    """Make folder @dst: /lib with @libs and all they need, /bin with @programs (paths)."""
    found = _find(roots)
    tmp = dst + ".tmp"
    shutil.rmtree(tmp, ignore_errors=True)
    os.makedirs(os.path.join(tmp, "lib"))
    todo, done = [LOADER] + list(libs), set()
    for path in programs:
        os.makedirs(os.path.join(tmp, "bin"), exist_ok=True)
        shutil.copy(path, os.path.join(tmp, "bin"))
        todo += needed(path)
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        if name not in found:
            raise BadRoot(f"no library {name} in the unpacked packages")
        real = _real(found[name], roots)
        shutil.copy(real, os.path.join(tmp, "lib", name))
        todo += needed(real)
    os.rename(tmp, dst)
