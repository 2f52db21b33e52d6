# SPDX-License-Identifier: GPL-2.0-only
"""Run the test machine (QEMU) and learn how it ended.

The host says how it ended on a control channel that only its kernel reaches
(virtio-console; a second PL011 when the host is Linux): see parse_status().
"""
import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# How long a machine may take to power off once it has reported its status.
GRACE = 10.0


class UseError(Exception):
    """Wrong use or an unusable file: one line, exit status 2."""


class Result:
    """@kind: exit, signal, panic, refuse, selftest, timeout, died, user."""

    def __init__(self, kind, value=0, text=""):
        self.kind = kind
        self.value = value
        self.text = text


class Options:
    """The machine: everything that becomes a QEMU argument."""

    def __init__(self, **kw):
        self.cpus = 2
        self.mem = 1 << 30
        self.cpu = "max"
        self.icount = False
        self.qemu = os.environ.get("NESTBOX_QEMU", "qemu-system-aarch64")
        self.extra = []
        self.host = "nestbox"
        self.__dict__.update(kw)


def parse_size(text, what):
    m = re.fullmatch(r"(\d+)([KMG]?)(i?B)?", text, re.I)
    if not m:
        raise UseError(f"{what}: '{text}' is not a size: write it like 512M or 2G")
    return int(m.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[m.group(2).upper()]


def show_size(n):
    for shift, unit in ((30, "G"), (20, "M"), (10, "K")):
        if n >> shift and not n & ((1 << shift) - 1):
            return f"{n >> shift}{unit}"
    return f"{n / (1 << 20):.1f}M"


def qemu_args(opt, image, initrd, cmdline, ctl_path):
    if not shutil.which(opt.qemu):
        raise UseError(f"{opt.qemu} is not installed: run tools/setup")
    args = [opt.qemu, "-M", "virt,virtualization=on,gic-version=3", "-cpu", opt.cpu,
            "-smp", str(opt.cpus), "-m", f"{-(-opt.mem // (1 << 20))}M",
            "-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot",
            "-chardev", "stdio,id=tty,signal=off", "-serial", "chardev:tty",
            "-kernel", image, "-initrd", initrd, "-append", cmdline]
    if opt.host == "linux":
        args += ["-chardev", f"file,id=ctl,path={ctl_path}", "-serial", "chardev:ctl"]
    else:
        args += ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-serial-device",
                 "-chardev", f"file,id=ctl,path={ctl_path}", "-device", "virtconsole,chardev=ctl"]
    if opt.icount:
        args += ["-icount", "shift=0,sleep=off"]
    return args + opt.extra


def parse_status(line):
    """One line of the control channel as a Result, or None when it ends nothing."""
    word, _, rest = line.strip().partition(" ")
    if word in ("exit", "signal"):
        try:
            return Result(word, int(rest))
        except ValueError:
            return None
    if word in ("panic", "refuse", "selftest"):
        return Result(word, 1, rest)
    return None


class Control:
    """Lines from the control channel; .result is the first that ends the run."""

    def __init__(self, trace=None):
        self.buf = b""
        self.result = None
        self.lines = []
        self.trace = trace

    def feed(self, data):
        self.buf += data
        while b"\n" in self.buf:
            raw, self.buf = self.buf.split(b"\n", 1)
            line = raw.decode("utf-8", "replace").strip()
            if not line:
                continue
            self.lines.append(line)
            if self.trace:
                self.trace(line)
            status = parse_status(line)
            # A panic on the way down outranks what came before it.
            if status and (self.result is None or status.kind == "panic"):
                self.result = status


class Output:
    """The console: to stdout (CR LF to LF unless it is a terminal), to a log."""

    def __init__(self, stdout, log=None, keep=0):
        self.stdout = stdout
        self.log = log
        self.keep = keep
        self.kept = b""
        self.held = b""
        self.raw = stdout is not None and os.isatty(stdout)

    def feed(self, data):
        if not self.raw:
            data = self.held + data
            self.held = b""
            if data.endswith(b"\r"):
                data, self.held = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n")
        if self.stdout is not None:
            view = memoryview(data)
            while view:
                view = view[os.write(self.stdout, view):]
        if self.log:
            self.log.write(data)
            self.log.flush()
        if self.keep:
            self.kept = (self.kept + data)[-self.keep:]


def _die_with_us():
    """QEMU must not outlive the launcher, however that ends (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)


def kill(proc):
    """End QEMU, and wait for it."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        if proc.poll() is not None:
            return
        proc.send_signal(sig)
        try:
            proc.wait(5)
        except subprocess.TimeoutExpired:
            pass


def _loop(proc, ctl_fd, out_fd, ctl, out, deadline):
    """Serve the two pipes until both ends are closed; False: time is up."""
    fds = [fd for fd in (ctl_fd, out_fd) if fd is not None]
    while fds:
        limit = 1.0
        now = time.monotonic()
        if deadline is not None:
            limit = min(limit, max(0.0, deadline - now))
        ready, _, _ = select.select(fds, [], [], limit)
        for fd in ready:
            data = os.read(fd, 65536)
            if not data:
                fds.remove(fd)
            elif fd == ctl_fd:
                ctl.feed(data)
                if ctl.result and (deadline is None or deadline > now + GRACE):
                    deadline = now + GRACE
            else:
                out.feed(data)
        if not ready and proc.poll() is not None:
            break
        if deadline is not None and time.monotonic() >= deadline:
            return False
    return True


def run(opt, image, initrd_bytes, cmdline, *, interactive, timeout=None, stdout=1, log=None,
        keep=0, stdin=None, dry_run=False, trace=None):
    """Boot and wait. Returns (Result, Control, Output)."""
    with tempfile.TemporaryDirectory(prefix="nestbox.") as tmp:
        initrd = os.path.join(tmp, "initrd")
        rd, wr = os.pipe()
        args = qemu_args(opt, image, initrd, cmdline, f"/dev/fd/{wr}")
        if dry_run:
            print(" ".join(_quote(a) for a in args))
            return Result("exit", 0), Control(), Output(None)
        with open(initrd, "wb") as f:
            f.write(initrd_bytes)
        return _run(args, rd, wr, interactive, timeout, Output(stdout, log, keep), stdin,
                    Control(trace))


def _quote(arg):
    return arg if re.fullmatch(r"[\w@%+=:,./-]+", arg) else "'" + arg.replace("'", "'\\''") + "'"


def _run(args, rd, wr, interactive, timeout, out, stdin, ctl):
    saved = None
    if sys.stdin is not None and sys.stdin.isatty():
        saved = termios.tcgetattr(sys.stdin)
    start = time.monotonic()
    deadline = start + timeout if timeout else None
    proc = None
    try:
        proc = subprocess.Popen(
            args, pass_fds=[wr], preexec_fn=_die_with_us, stderr=subprocess.PIPE if not interactive else None,
            stdin=None if interactive else (subprocess.DEVNULL if stdin is None else stdin),
            stdout=None if interactive else subprocess.PIPE)
        os.close(wr)
        wr = -1
        in_time = _loop(proc, rd, None if interactive else proc.stdout.fileno(), ctl, out, deadline)
        if not in_time and not ctl.result:
            kill(proc)
            return Result("timeout", text=f"no end after {timeout:g} s"), ctl, out
        try:
            proc.wait(GRACE)
        except subprocess.TimeoutExpired:
            pass
        kill(proc)
    except KeyboardInterrupt:
        return Result("user", 130, "interrupted"), ctl, out
    finally:
        if proc:
            kill(proc)
        os.close(rd)
        if wr >= 0:
            os.close(wr)
        if saved:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
    if ctl.result:
        return ctl.result, ctl, out
    err = b"" if interactive else proc.stderr.read()
    last = err.decode("utf-8", "replace").strip().splitlines()
    if proc.returncode:
        text = last[-1] if last else f"status {proc.returncode}"
        return Result("died", proc.returncode, f"QEMU died: {text}"), ctl, out
    return Result("died", 0, "the host stopped without a status (its last lines may say why)"), ctl, out
