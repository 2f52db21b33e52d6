#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What README says, followed to the letter in a terminal. `hang`: the passage on a guest that hangs, its command and its keys
in their order, until the guest has panicked with the backtrace of where it hung. `nested`: `make run-nested`, to the shell
of the guest in the guest and back. Ends with `readme: ok`. More arguments go to the command."""
import os
import pty
import re
import select
import shlex
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 240  # seconds for each thing that must show up


def passage():
    """(command, keys) of README."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read().partition("## A guest that hangs")[2].partition("\n## ")[0]
    command = re.search(r"^    (\./nestbox run .*?)\s+#", text, re.M).group(1)
    return shlex.split(command), re.findall(r"^    Ctrl-A (\S+) +#", text, re.M)


class Terminal:
    """A program in a terminal of its own, and a person before it."""

    def __init__(self, argv):
        self.text, self.seen = b"", 0
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(ROOT)
            os.execvp(argv[0], argv)

    def read(self, seconds):
        """False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        self.text += data
        return bool(data)

    def expect(self, regex):
        end = time.monotonic() + LIMIT
        alive = True
        while True:
            m = re.compile(regex.encode()).search(self.text, self.seen)
            if m:
                self.seen = m.end()
                return
            if not alive or time.monotonic() > end:
                os.kill(self.pid, 15)
                sys.exit(f"\nreadme: FAIL: no '{regex}'")
            alive = self.read(1)

    def type(self, text):
        os.write(self.fd, text)

    def status(self):
        end = time.monotonic() + LIMIT
        while self.read(1):
            if time.monotonic() > end:
                os.kill(self.pid, 15)
                sys.exit("\nreadme: FAIL: it does not end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def hang(more):
    argv, keys = passage()
    if keys != ["z", "n"]:
        sys.exit(f"readme: FAIL: README's keys are {keys}")
    t = Terminal(argv + more)
    t.expect("# ")
    t.type(b"echo al''ive\r")
    t.expect("alive")
    t.type(b"\x01h")
    t.expect("Ctrl-A n  nmi")
    t.type(b"\x01c")
    t.expect("nestvm: ok: corrected")
    t.expect("section_type: general processor error")
    t.type(b"echo goes' 'on\r")
    t.expect("goes on")
    t.type(b"\x01z")
    t.expect("vCPU 0 hangs at 0xffff[0-9a-f]+ with all interrupts masked")
    t.type(b"\x01n")
    for line in ("nestvm: ok: nmi, vCPU 0", "Kernel panic - not syncing: .*Fatal hardware error", "CPU: 0 ", "Call trace:",
                 "sdei_event_handler", "__sdei_asm_handler"):
        t.expect(line)
    return t.status(), 3


def nested(more):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        command = re.search(r"^    (make run-nested)\s+#", f.read(), re.M).group(1)
    t = Terminal(shlex.split(command) + ["NO_SETUP=1"] + more)
    t.expect("guest in the guest, Linux 6\\.12")
    t.expect("# ")
    t.type(b"echo al''ive; uname -r\r")
    t.expect("alive\\s+6\\.12")
    t.type(b"poweroff -f\r")
    t.expect("guest around it again, Linux 7")
    t.expect("# ")
    t.type(b"ls /dev/k''vm; poweroff -f\r")
    t.expect("/dev/kvm")
    return t.status(), 0


def main():
    status, wanted = {"hang": hang, "nested": nested}[sys.argv[1]](sys.argv[2:])
    if status != wanted:
        sys.exit(f"\nreadme: FAIL: status {status}")
    print("readme: ok")


main()
