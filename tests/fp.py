# SPDX-License-Identifier: GPL-2.0-only
"""The ring of vector registers: Linux's arm64 fp selftests as processes and in a guest, and our own tests, on CPUs with
vectors of several lengths and without."""
import os
import re
import stat
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import guestfs  # noqa: E402

BUILD = os.path.join(ROOT, "build")
SUITE = os.path.join(BUILD, "fp-selftests")
EXPECT = os.path.join(ROOT, "tests", "expect", "fp-selftests")
GUEST = os.path.join(BUILD, "guest")

# (model, when): vectors of 2048 bits with all lengths below; odd lengths; none; real machines' sets.
CPUS = (("max", "quick"), ("max,sve-max-vq=3", "quick"), ("cortex-a76", "quick"),
        ("max,sve-max-vq=1", "full"), ("max,sve512=on", "full"), ("max,sme=off", "full"),
        ("neoverse-v1", "full"), ("neoverse-n2", "full"), ("a64fx", "full"))
LIMIT = 60

GUEST_INIT = """#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
exec </dev/console >/dev/console 2>&1
cd /tests
./fp-stress -t {seconds}
echo "guest: fp-stress gave $?"
poweroff -f
sleep 60
"""

STRESS = """cat /sys/kernel/debug/fp
( nestvm -k /tests/Image -i /tests/initrd -c 4 -m 512M --batch -a "quiet rdinit=/fp-init" >/tmp/guest.log 2>&1
  echo "nestvm gave $?" >>/tmp/guest.log ) &
until grep -q "Will run\|nestvm gave" /tmp/guest.log; do sleep 0.2; done
( cd /tests; ./fp-stress -t {seconds} >/tmp/host.log 2>&1; echo "host: fp-stress gave $?" >>/tmp/host.log )
wait
grep -v "^# Started\\|signals=\\|^# Sending\\|Vector length" /tmp/host.log
grep -v "^# Started\\|signals=\\|^# Sending\\|Vector length" /tmp/guest.log
cat /sys/kernel/debug/fp 2>/dev/null
true
"""


def expected():
    """program -> (status wanted with SVE, and without)."""
    words = {"pass": 0, "skip": 4}
    out = {}
    with open(EXPECT, encoding="utf-8") as f:
        for line in f:
            part = [p.strip() for p in line.split("|")]
            if line.strip() and not line.startswith("#") and part[1] != "-":
                out[part[0]] = tuple(words[w] for w in (part[1], part[2]))
    return out


def programs():
    return sorted(os.listdir(SUITE)) if os.path.isdir(SUITE) else []


def own_tests():
    """(name, command, built file)."""
    for name in ("sve", "kvm_sve", "fpowner"):
        yield name, f"/tests/{name}", os.path.join(BUILD, "tests", "abi", name)
    yield "vectors", "nestvm -k /tests/vectors -c 5 -m 128M --batch", os.path.join(BUILD, "tests", "guest", "vectors")


def one_cpu(tally, args, batch_of, save_log, model):
    """Everything short on one CPU model."""
    sve = not model.startswith("cortex")
    adds = [(os.path.join(SUITE, p), f"/tests/{p}") for p in programs()]
    tests, want = [], {}
    for name, wants in expected().items():
        command = "./fp-stress -t 3" if name == "fp-stress" else f"./{name}"
        tests.append((name, command))
        want[name] = wants[0 if sve else 1]
    # On the usual CPU they run in rings of their own.
    for name, command, path in own_tests() if model != "max" else ():
        tests.append((name, command))
        adds.append((path, f"/tests/{name}"))
    flavour = (args.flavours or ["test"])[0]
    batch = batch_of(flavour, adds, ["--host-cpus", "2", "--host-mem", "2G", "--host-cpu", model], args.host)
    for name, status, out, secs in batch.run(tests, LIMIT):
        save_log("fp", f"{name}-{model}", out)
        ok = status == want.get(name, 0) and not re.search(r"^not ok|^FAIL", out, re.M)
        tally.note("fp", f"{name} on {model}", ok, secs, f"status {status}", out)


def initrd(path, seconds):
    fs = guestfs.base_tree(os.path.join(GUEST, "busybox"))
    fs.node("dev/console", stat.S_IFCHR, 5, 1)
    fs.node("dev/null", stat.S_IFCHR, 1, 3, 0o666)
    fs.file("fp-init", GUEST_INIT.format(seconds=seconds).encode(), 0o755)
    for name in programs():
        fs.add(os.path.join(SUITE, name), "tests/" + name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(fs.pack())


def changes(out):
    """What the counters moved by: kind -> (saves, loads, traps)."""
    found = re.findall(r"^(thread|guest) saves (\d+) loads (\d+) traps (\d+)", out, re.M)
    first, last = dict((f[0], f[1:]) for f in found[:2]), dict((f[0], f[1:]) for f in found[-2:])
    return {k: tuple(int(b) - int(a) for a, b in zip(first[k], last[k])) for k in last}


def broken(out):
    """
    Programs of fp-stress that failed, which itself ends with 0 all the same. Not those that its SIGUSR2 (12) killed before
    they said their PID: they had not come to install its handler yet, on a busy machine.
    """
    bad, begin = [], 0
    for end in re.finditer(r"^(host|guest): fp-stress gave", out, re.M):
        part, begin = out[begin:end.start()], end.end()
        for name in re.findall(r"^not ok \d+ (\S+)", part, re.M):
            early = re.search(rf"^# {name} exited with error code 12\s*$", part, re.M)
            if not early or re.search(rf"^# {name}: PID", part, re.M):
                bad.append(f"{end.group(1)} {name}")
    return bad


def stress(tally, args, batch_of, save_log):
    """A guest with more vCPUs than CPUs and processes of the host, all at once."""
    seconds = 300 if args.full else 30
    archive = os.path.join(BUILD, "tests", "fp-initrd.cpio")
    initrd(archive, seconds)
    adds = [(os.path.join(SUITE, p), f"/tests/{p}") for p in programs()]
    adds += [(archive, "/tests/initrd"), (os.path.join(GUEST, "6.12-cloud", "Image"), "/tests/Image")]
    script = os.path.join(BUILD, "tests", "fp-stress.sh")
    with open(script, "w", encoding="utf-8") as f:
        f.write(STRESS.format(seconds=seconds))
    adds.append((script, "/tests/stress.sh"))
    flavour = (args.flavours or ["test"])[0]
    batch = batch_of(flavour, adds, ["--host-cpus", "2", "--host-mem", "2G"], args.host)
    # The time is the clock's, so starting and stopping it all must not be: they take minutes on a busy machine.
    for name, status, out, secs in batch.run([("stress", "sh /tests/stress.sh")], seconds + 900):
        save_log("fp", name, out)
        moved = changes(out) if args.host == "nestbox" else {}
        text = ", ".join(f"{k} {v[0]} saves {v[1]} loads {v[2]} traps" for k, v in sorted(moved.items()))
        text += "".join(f", {n} fetches" for n in re.findall(r"^fetches (\d+)", out, re.M)[-1:])
        why = "" if status == 0 else f"status {status}"
        for who in () if why else ("host", "guest"):
            if not re.search(rf"^{who}: fp-stress gave 0", out, re.M):
                why = f"fp-stress of the {who} did not pass"
        if not why and broken(out):
            why = "failed: " + ", ".join(broken(out))
        if not why and not re.search(r"^nestvm gave 0", out, re.M):
            why = "the guest did not power off"
        # Three seconds of this make hundreds: fewer, and nothing was tested.
        if not why and moved and min(moved[k][n] for k in moved for n in (0, 1)) < 100:
            why = "hardly any register changed hands"
        tally.note("fp", f"{seconds} s of fp-stress, guest and host at once: {text}", not why, secs, why, out)


def ring(tally, args, batch_of, save_log):
    if not programs():
        tally.note("fp", "selftests", False, 0, "they were not built: run `make test-fp`")
        return
    for model, when in CPUS:
        if (args.full or when == "quick") and (not args.match or re.search(args.match, model)):
            one_cpu(tally, args, batch_of, save_log, model)
    if not args.match or re.search(args.match, "stress"):
        stress(tally, args, batch_of, save_log)
