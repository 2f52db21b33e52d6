# SPDX-License-Identifier: GPL-2.0-only
"""The ring of third-party suites: Linux's KVM selftests against tests/expect/kvm-selftests."""
import os
import re
import shlex
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "build", "selftests")
EXPECT = os.path.join(ROOT, "tests", "expect", "kvm-selftests")
LIMIT = 120
SLOWER = {"nestbox": 1, "linux": 3}  # an exit of Linux/KVM is many times the instructions
WANTS = ("pass", "skip", "fail", "timeout")


class Case:
    """One line of the expectations."""

    def __init__(self, line):
        part = [p.strip() for p in line.split("|")]
        if len(part) != 6:
            raise ValueError(f"{EXPECT}: not 6 columns: {line}")
        self.when, self.label, command, want, options, self.why = part
        words = shlex.split(command or self.label)
        self.program, self.args = words[0], words[1:]
        opts = dict((o.split("=", 1) + [""])[:2] for o in options.split())
        self.own_boot = bool(set(opts) - {"linux"}) or self.when == "full"
        self.icount = "icount" in opts
        self.limit = int(opts.get("limit", LIMIT))
        self.cpus = opts.get("cpus", "4")
        self.mem = opts.get("mem", "3G")
        self.cpu = opts.get("cpu")
        self.kernel = opts.get("kernel")
        self.want = {"nestbox": want, "linux": opts.get("linux", want)}
        if self.when not in ("quick", "full") or any(w not in WANTS for w in self.want.values()):
            raise ValueError(f"{EXPECT}: unknown word: {line}")

    def command(self):
        return " ".join(shlex.quote(w) for w in [f"/tests/{self.program}"] + self.args)

    def machine(self, host="nestbox"):
        out = ["--host-cpus", self.cpus, "--host-mem", self.mem]
        if self.kernel and host == "nestbox":
            out += ["--kernel-option", self.kernel]
        if self.icount:
            out.append("--icount")
        return out + (["--host-cpu", self.cpu] if self.cpu else [])


def read_cases():
    with open(EXPECT, encoding="utf-8") as f:
        return [Case(ln) for ln in f if ln.strip() and not ln.startswith("#")]


def outcome(status):
    return {0: "pass", 4: "skip", 124: "timeout"}.get(status, "timeout" if "no end" in str(status) else "fail")


def reason(got, out):
    """The test's own words on why it did not pass, in one line."""
    if got == "pass":
        return ""
    found = re.findall(r"# SKIP\s*-?\s*(.*)", out) or re.findall(r"^(.*skipping test.*)", out, re.M | re.I)
    if got == "skip" and found:
        return found[-1].strip()
    found = re.search(r"Test Assertion Failure ====\n\s*(.*)\n(?:.*\n)*?(?=\s*$|ok|not ok|==)", out)
    if found:
        block = [ln.strip() for ln in found.group(0).splitlines()[1:] if ln.strip()]
        last = [ln for ln in block[2:] if not re.match(r"\d+\s+0x|\(stack trace|\s*at ", ln)]
        return "; ".join(block[:1] + last[-1:])[:160]
    lines = [ln for ln in out.splitlines() if ln.strip() and not ln.startswith("@@")]
    return lines[-1].strip()[:160] if lines else "no output"


def run_alone(case, flavour, host):
    """(status, output, seconds) of @case on a host booted for it."""
    cmd = [os.path.join(ROOT, "nestbox"), "exec", "--batch", "--host", host, "--timeout", str(case.limit * SLOWER[host])]
    if host == "nestbox":
        cmd += ["--flavour", flavour]
    path = os.path.join(FOLDER, case.program)
    cmd += case.machine(host) + ["--add", f"{path}:/tests/{case.program}", "--", f"/tests/{case.program}"] + case.args
    start = time.monotonic()
    res = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    return res.returncode, res.stdout.decode("utf-8", "replace"), time.monotonic() - start


def results(cases, batch_of, flavour, host):
    """Yields (case, status, output, seconds)."""
    together = [c for c in cases if not c.own_boot]
    if together:
        adds = [(os.path.join(FOLDER, p), f"/tests/{p}") for p in sorted({c.program for c in together})]
        batch = batch_of(flavour, adds, together[0].machine(), host)
        names = {c.label: c for c in together}
        for name, status, out, secs in batch.run([(c.label, c.command()) for c in together], LIMIT * SLOWER[host]):
            yield (names[name], status, out, secs)
    for case in cases:
        if case.own_boot:
            yield (case, *run_alone(case, flavour, host))


def table(rows, host):
    print(f"\n{'test':36} {'result':8} {'time':>8}  why")
    for case, got, secs, why in rows:
        want = case.want[host]
        text = why + (f" [{case.why}]" if case.why and got == want else "")
        if got != want:
            text = f"UNEXPECTED, wanted {want}: {text}"
        print(f"{case.label:36} {got:8} {secs:6.1f} s  {text}")
    count = {w: sum(1 for r in rows if r[1] == w) for w in WANTS}
    print(", ".join(f"{n} {w}" for w, n in count.items() if n) + "\n", flush=True)


def ring(tally, args, batch_of, save_log):
    flavour, host = (args.flavours or ["test"])[0], args.host
    cases = [c for c in read_cases() if (args.full or c.when == "quick")
             and (not args.match or re.search(args.match, c.label))]
    ready = [c for c in cases if os.path.exists(os.path.join(FOLDER, c.program))]
    for case in cases:
        if case not in ready:
            tally.note("third", case.label, False, 0, "it was not built: run `make selftests-build`")
    listed = {c.program for c in read_cases()}
    for name in sorted(os.listdir(FOLDER) if os.path.isdir(FOLDER) else []):
        if name not in listed and (not args.match or re.search(args.match, name)):
            tally.note("third", name, False, 0, f"no line in {os.path.relpath(EXPECT, ROOT)} says what must come of it")
    rows = []
    for case, status, out, secs in results(ready, batch_of, flavour, host):
        save_log("third", case.label, out)
        got = outcome(status)
        want = case.want[host]
        rows.append((case, got, secs, reason(got, out)))
        tally.note("third", f"kvm/{case.label}: {got}", got == want, secs, f"wanted {want}, status {status}", out)
    if args.table:
        table(sorted(rows, key=lambda r: r[0].label), host)
