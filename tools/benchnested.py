# SPDX-License-Identifier: GPL-2.0-only
"""The nested part of tools/bench: Linux 7.2 as a guest with an EL2 (L1) runs minivmm with bench/payload (L2), on Nestbox
and on Linux 7.2 as the host (L0). Instructions by icount, seen from L2; exceptions to L0 by QEMU's own log."""
import collections
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import guestfs
import hostfs

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
L1 = os.path.join(BUILD, "guest", "7.2-cloud", "Image")
L2 = os.path.join(BUILD, "guest", "6.12-cloud", "Image")
HVC = "0x16/0x5a000000"  # syndrome of L2's HVC #0

EVENTS = {
    "hypercall": "hypercall, L1 serves it",
    "vgic-read": "vGIC read, L1 serves it",
    "vmm-read": "MMIO read, L1's VMM serves it",
    "timer": "timer interrupt",
    "wfi-wakeup": "L2's timer ends its WFI",
    "stage2-fault": "stage-2 fault, page present",
    "stage2-fault-new": "stage-2 fault, new page",
    "ipi": "IPI between L2's vCPUs",
    "inject": "L1's VMM interrupts L2",
    "inject-wakeup": "the same, L2's vCPU in WFI",
}

INIT = b"""#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
exec </dev/console >/dev/console 2>&1
if [ "$boot" ]; then
	sleep 5
	cut -d' ' -f1 /proc/uptime
	nestvm -k /guest/Image -i /guest/initrd -m 256M --batch -a 'quiet rdinit=/bin/poweroff -- -f' >/dev/null
	cut -d' ' -f1 /proc/uptime
else
	# The first L2 after L1's boot waits for L1's tick, whoever is L0: it comes 3 ms late out of each WFI.
	minivmm --repeats 20 /payload >/dev/null
	minivmm --repeats "$repeats" /payload
fi
poweroff -f
sleep 60
"""


def initrd(with_guest):
    small = guestfs.guest_initrd(hostfs.busybox_path(), os.path.join(ROOT, "tools", "guest-init"))
    extra = guestfs.Cpio()
    extra.file("bench.sh", INIT, 0o755)
    extra.add(os.path.join(BUILD, "bench", "minivmm"), "bin/minivmm")
    extra.add(os.path.join(BUILD, "bench", "payload"), "payload")
    if with_guest:
        extra.add(os.path.join(BUILD, "nestvm"), "bin/nestvm")
        extra.add(L2, "guest/Image")
        extra.file("guest/initrd", small)
    return small + b"\0" * (-len(small) % 4) + extra.pack()


def command(host, path, words, limit, more=()):
    cmd = [os.path.join(ROOT, "nestbox"), "exec", "--batch", "--host", host, "--icount", "--host-cpus", "1",
           "--host-mem", "2G", "--timeout", str(limit), "--add", os.path.join(BUILD, "nestvm") + ":/bin/nestvm",
           "--add", L1 + ":/g/Image", "--add", path + ":/g/initrd", *more]
    if host == "linux":
        cmd += ["--image", L1, "--kernel-option", "kvm-arm.mode=nested"]
    return cmd + ["--", "nestvm", "-k", "/g/Image", "-i", "/g/initrd", "-m", "768M", "--nested", "--batch",
                  "-a", "quiet rdinit=/bench.sh " + words]


def run(host, words, limit, with_guest=False):
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "initrd")
        with open(path, "wb") as f:
            f.write(initrd(with_guest))
        res = subprocess.run(command(host, path, words, limit), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if res.returncode:
        last = (res.stderr.strip() or res.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{host}: L1: status {res.returncode}: {last}")
    return res.stdout


def events(host, limit):
    text = run(host, "repeats=100", limit)
    found = re.findall(r"^([\w-]+)((?: \d+)+)\s*$", text, re.M)
    return {"L2-" + m[0]: tuple(int(n) for n in m[1].split()) for m in found}


def boot(host, limit):
    """nestvm's start in L1 to its end, L2 being Debian's kernel whose first process powers off."""
    times = re.findall(r"^(\d+\.\d+)\s*$", run(host, "boot=1", limit, True), re.M)
    if len(times) != 2:
        raise RuntimeError(f"{host}: L2 did not power off")
    return {"L2-boot": (int((float(times[1]) - float(times[0])) * 1e9),)}


# ---- exceptions to EL2 for one of L2's hypercalls ----

def monitor(path, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(path)
        seen = b""
        for send in (line + "\n", None):
            while not seen.endswith(b"(qemu) "):
                seen += s.recv(4096)
            seen = b""
            if send:
                s.sendall(send.encode())


def exceptions(text):
    """Of QEMU's log: (EL from, EL to, syndrome) each."""
    out = []
    for part in text.split("Taking exception ")[1:]:
        els = re.search(r"from EL(\d) to EL(\d)", part)
        esr = re.search(r"with ESR (\S+)", part)
        if els:
            out.append((els[1], els[2], esr[1] if esr else "interrupt"))
    return out


def rounds(text):
    """From hypercall to hypercall: what came to EL2 from below."""
    out, now = [], None
    for frm, to, esr in exceptions(text):
        if (frm, to, esr) == ("1", "2", HVC):
            if now:
                out.append(tuple(now))
            now = []
        if now is not None and to == "2" and frm != "2":
            now.append(esr)
    return out


def describe(esr):
    ec, _, iss = esr.partition("/")
    if ec != "0x18":
        return {"0x16": "HVC of L2", "0x1a": "ERET of L1"}.get(ec, esr)
    v = int(iss, 16)
    reg = (v >> 20 & 3, v >> 14 & 7, v >> 10 & 15, v >> 1 & 15, v >> 17 & 7)
    return ("read" if v & 1 else "write") + " of S%d_%d_C%d_C%d_%d" % reg


def traps(host, limit):
    """The usual round, as a list of causes."""
    with tempfile.TemporaryDirectory() as tmp:
        path, mon, log = (os.path.join(tmp, n) for n in ("initrd", "monitor", "log"))
        with open(path, "wb") as f:
            f.write(initrd(False))
        more = [f"--qemu-arg={a}" for a in ("-monitor", f"unix:{mon},server,nowait", "-D", log)]
        proc = subprocess.Popen(command(host, path, "repeats=100000000", limit, more), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            end = time.monotonic() + limit
            while time.monotonic() < end and proc.poll() is None:
                time.sleep(5)
                if not os.path.exists(mon):
                    continue
                monitor(mon, "log int")
                time.sleep(1)
                monitor(mon, "log none")
                with open(log, errors="replace") as f:
                    got = rounds(f.read())
                os.truncate(log, 0)
                if len(got) >= 20:
                    return list(collections.Counter(got).most_common(1)[0][0])
        finally:
            if proc.poll() is None:
                os.killpg(proc.pid, signal.SIGTERM)
            proc.wait()
    raise RuntimeError(f"{host}: no hypercalls of L2 seen")
