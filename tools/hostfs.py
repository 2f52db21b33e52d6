# SPDX-License-Identifier: GPL-2.0-only
"""The root file system that the host boots with, and what to run in it.

A Nestbox host takes argv from /etc/nestbox/init. A Linux host (the oracle) gets
the same tree and an /init script that does as much.
"""
import os
import shlex
import stat

import guestfs
from machine import ROOT, UseError

BUILD = os.path.join(ROOT, "build")
ENV = ["PATH=/bin:/sbin", "HOME=/root", "USER=root", "SHELL=/bin/sh"]

LINUX_INIT = """#!/bin/busybox sh
# Made by nestbox: init of the Linux host.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
[ -d /dev/pts ] || mkdir /dev/pts
mount -t devpts pts /dev/pts
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
mount -t tmpfs -o mode=1777 tmp /tmp
exec </dev/console >/dev/console 2>&1
stty -F /dev/ttyAMA1 raw -echo
echo boot >/dev/ttyAMA1
cd /root
@ENV@
@RUN@
status=$?
echo "exit $status" >/dev/ttyAMA1
sync
poweroff -f
"""


def busybox_path():
    path = os.path.join(BUILD, "guest", "busybox")
    if not os.path.exists(path):
        raise UseError("busybox for the host is missing: run tools/setup")
    return path


def tree(with_nestvm=True):
    fs = guestfs.base_tree(busybox_path())
    nestvm = os.path.join(BUILD, "nestvm")
    if os.path.exists(nestvm):
        fs.add(nestvm, "bin/nestvm")
    elif with_nestvm:
        raise UseError("build/nestvm is missing: run make")
    return fs


def set_program(fs, host, argv, env, interactive):
    env = ENV + ["TERM=" + os.environ.get("TERM", "vt100")] + env
    if host == "linux":
        fs.node("dev/console", stat.S_IFCHR, 5, 1)
        fs.node("dev/null", stat.S_IFCHR, 1, 3, 0o666)
        run = " ".join(shlex.quote(a) for a in argv)
        if interactive:
            run = "setsid -c " + run
        sets = "\n".join("export " + shlex.quote(e) for e in env)
        text = LINUX_INIT.replace("@ENV@", sets).replace("@RUN@", run)
        fs.file("init", text.encode(), 0o755)
    else:
        fs.file("etc/nestbox/init", guestfs.init_argv(argv))
        fs.file("etc/nestbox/env", guestfs.init_argv(env))


def elf_machine(data):
    """ELF machine number of @data, or None when it is no 64-bit ELF file."""
    if data[:4] != b"\x7fELF" or len(data) < 20 or data[4] != 2:
        return None
    return int.from_bytes(data[18:20], "little")


def check_program(path):
    with open(path, "rb") as f:
        head = f.read(64)
    if head[:2] == b"#!":
        return
    machine = elf_machine(head)
    if machine is None:
        raise UseError(f"{path} is not a program: give an arm64 ELF file or a #! script")
    if machine != 183:
        raise UseError(f"{path} is a program for another machine: build it for arm64 "
                       "(aarch64-linux-gnu-gcc -static)")


def find_program(fs, name):
    """Path of program @name inside @fs, which a program of ours may be added to."""
    inside = name.strip("/")
    if name.startswith("/") and inside in fs.entries:
        return name
    if ("/" in name or "bin/" + name not in fs.entries) and os.path.exists(name):
        if os.path.isdir(name):
            raise UseError(f"{name} is a folder: name a program")
        check_program(name)
        dst = "root/" + os.path.basename(name)
        if dst not in fs.entries:
            fs.add_top(name, dst)
            mode, data, rdev = fs.entries[dst]
            fs.entries[dst] = (mode | 0o111, data, rdev)
        return "/" + dst
    for folder in ("", "bin/", "root/"):
        if folder + inside in fs.entries:
            return "/" + folder + inside
    raise UseError(f"no program {name}: it is neither in the host's file system nor a file here")


def add_spec(fs, spec):
    """--add SRC[:DST]."""
    src, _, dst = spec.partition(":")
    if not os.path.exists(src):
        raise UseError(f"--add: cannot read {src}: no such file or folder")
    if not os.access(src, os.R_OK):
        raise UseError(f"--add: cannot read {src}: permission denied")
    name = os.path.basename(os.path.realpath(src) if src in (".", "..") else src.rstrip("/"))
    if not dst:
        dst = "/" + name
    elif dst.endswith("/"):
        dst += name
    try:
        fs.add_top(src, dst.strip("/"))
    except OSError as err:
        raise UseError(f"--add: {err.filename}: {err.strerror}") from None
