# SPDX-License-Identifier: GPL-2.0-only
"""Archives in cpio's newc form, and the file systems that Nestbox boots with.

The same tree always gives the same bytes: owners and times are 0, entries are
sorted by path.
"""
import gzip
import os
import stat

APPLETS = """
[ ash awk base64 basename cat chgrp chmod chown chroot clear cmp cp cut date dd
df diff dirname dmesg du echo egrep env expr false fgrep find free fuser getopt
grep gunzip gzip halt head hexdump hostname id init kill killall last less ln
ls md5sum mkdir mkfifo mknod mktemp more mount mv nc nice nl nohup nproc od
paste pgrep pidof ping pkill pmap poweroff printenv printf ps pwd readlink
realpath reboot renice reset rev rm rmdir sed seq setsid sh sha1sum sha256sum
shuf sleep sort stat stty sync tail tar taskset tee test time timeout top
touch tr tree true truncate tty umount uname uniq uptime usleep vi watch wc
which who whoami xargs xxd yes zcat
""".split()


class Cpio:
    """A tree in memory; add() and friends, then pack()."""

    def __init__(self):
        self.entries = {}

    def _put(self, path, mode, data=b"", rdev=(0, 0)):
        path = path.strip("/")
        if not path:
            return
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.mkdir(parent)
        self.entries[path] = (mode, data, rdev)

    def mkdir(self, path, mode=0o755):
        if path.strip("/") not in self.entries:
            self._put(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        self._put(path, stat.S_IFREG | mode, data)

    def symlink(self, path, target):
        self._put(path, stat.S_IFLNK | 0o777, target.encode())

    def node(self, path, kind, major, minor, mode=0o600):
        self._put(path, kind | mode, b"", (major, minor))

    def add(self, src, dst):
        """Copy host file or folder @src to @dst, modes and symlinks kept."""
        st = os.lstat(src)
        if stat.S_ISDIR(st.st_mode):
            self.mkdir(dst, stat.S_IMODE(st.st_mode))
            for name in sorted(os.listdir(src)):
                self.add(os.path.join(src, name), dst + "/" + name)
        elif stat.S_ISLNK(st.st_mode):
            self.symlink(dst, os.readlink(src))
        elif stat.S_ISREG(st.st_mode):
            with open(src, "rb") as f:
                self.file(dst, f.read(), stat.S_IMODE(st.st_mode))

    def add_top(self, src, dst):
        """As add(), but a symlink named by the user stands for its target."""
        self.add(os.path.realpath(src), dst)

    def pack(self):
        out = []
        ino = 0
        for path in sorted(self.entries):
            mode, data, rdev = self.entries[path]
            ino += 1
            out.append(_newc(path.encode(), ino, mode, data, rdev))
        out.append(_newc(b"TRAILER!!!", 0, 0, b"", (0, 0)))
        blob = b"".join(out)
        return blob + b"\0" * (-len(blob) % 512)


def _newc(name, ino, mode, data, rdev):
    nlink = 2 if stat.S_ISDIR(mode) else 1
    fields = (ino, mode, 0, 0, nlink, 0, len(data), 0, 0, rdev[0], rdev[1], len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name + b"\0"
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def add_busybox(fs, busybox):
    fs.mkdir("bin")
    with open(busybox, "rb") as f:
        fs.file("bin/busybox", f.read(), 0o755)
    for name in APPLETS:
        fs.symlink("bin/" + name, "busybox")


def base_tree(busybox):
    """Folders that every root has, busybox, and a minimal /etc."""
    fs = Cpio()
    for name in ("dev", "proc", "sys", "etc", "root", "run", "var", "mnt"):
        fs.mkdir(name)
    fs.mkdir("tmp", 0o1777)
    add_busybox(fs, busybox)
    fs.symlink("sbin", "bin")
    fs.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    fs.file("etc/group", b"root:x:0:\n")
    return fs


def guest_initrd(busybox, init):
    fs = base_tree(busybox)
    fs.node("dev/console", stat.S_IFCHR, 5, 1)
    fs.node("dev/null", stat.S_IFCHR, 1, 3, 0o666)
    with open(init, "rb") as f:
        fs.file("init", f.read(), 0o755)
    return gzip.compress(fs.pack(), 6, mtime=0)


def init_argv(argv):
    return b"".join(os.fsencode(a) + b"\0" for a in argv)
