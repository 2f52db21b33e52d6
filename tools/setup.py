#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Install and fetch what building and running Nestbox needs.

Host tools come from apt (as root or through sudo). arm64 packages (guest
kernels, busybox, headers) are never installed: a private apt state per suite
in build/apt downloads them, and dpkg-deb unpacks them under build/. The mirror
is the one that this machine's own apt sources name.
"""
import argparse
import glob
import lzma
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
DEBS = os.path.join(BUILD, "apt", "debs")

sys.path.insert(0, os.path.join(ROOT, "tools"))
import images  # noqa: E402
import arm64root  # noqa: E402
import guestfs  # noqa: E402

# command -> (package, why)
HOST_TOOLS = {
    "aarch64-linux-gnu-gcc": ("gcc-aarch64-linux-gnu", "compiles the kernel and nestvm"),
    "gcc": ("gcc", "compiles the native tests"),
    "make": ("make", "drives the build"),
    "cpio": ("cpio", "unpacks archives in the tests"),
    "gzip": ("gzip", "packs the guest's initrd"),
    "xz": ("xz-utils", "unpacks Debian's source packages"),
    "dtc": ("device-tree-compiler", "shows device trees in the tests"),
    "bzip2": ("bzip2", "unpacks Debian's source packages"),
}

# name -> (suites, first that has it wins; meta package)
KERNELS = {
    "6.1-cloud": (["bookworm"], "linux-image-cloud-arm64"),
    "6.12-cloud": (["trixie", "bookworm-backports"], "linux-image-cloud-arm64"),
    "7.2-cloud": (["trixie-backports"], "linux-image-cloud-arm64"),
    "6.1": (["bookworm"], "linux-image-arm64"),
    "6.12": (["trixie", "bookworm-backports"], "linux-image-arm64"),
    "7.2": (["trixie-backports"], "linux-image-arm64"),
}

# What a test's guest loads (tests/boot/guest-disk): put beside its Image, unpacked.
MODULES = {"6.12-cloud": ["virtio_blk", "virtio_net", "net_failover", "failover"]}


class SetupError(Exception):
    pass


class NeedsRoot(SetupError):
    """Nothing that trying again would change: status 2."""


def say(text):
    print(f"setup: {text}", flush=True)


def run(cmd, env=None, cwd=None, quiet=True, tries=1, what=""):
    """Run @cmd, retrying; the last lines of its output go into the error."""
    for left in range(tries - 1, -1, -1):
        res = subprocess.run(cmd, cwd=cwd, env={**os.environ, **(env or {})},
                             stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if res.returncode == 0:
            return res.stdout
        if left:
            say(f"{what or cmd[0]} failed, trying again ({left} left)")
            time.sleep(3)
    tail = " / ".join([ln for ln in res.stdout.splitlines() if ln.strip()][-2:])
    raise SetupError(f"{what or ' '.join(cmd[:3])} failed: {tail}")


def as_root():
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise NeedsRoot("apt needs root: run this as root, or install sudo")


# ---- the machine's own apt sources ------------------------------------------

def os_codename():
    try:
        with open("/etc/os-release") as f:
            m = re.search(r"^VERSION_CODENAME=(\S+)", f.read(), re.M)
    except OSError:
        m = None
    name = m.group(1).strip('"') if m else ""
    if name not in ("bookworm", "trixie"):
        raise SetupError(f"this needs Debian 12 (bookworm) or 13 (trixie), not {name or 'this system'}")
    return name


def deb822_entries(text):
    for para in re.split(r"\n\s*\n", text):
        fields = {}
        key = None
        for line in para.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t") and key:
                fields[key] += " " + line.strip()
            elif ":" in line:
                key, val = line.split(":", 1)
                key = key.lower()
                fields[key] = val.strip()
        if "uris" in fields and fields.get("enabled", "yes").lower() != "no":
            yield (fields["uris"].split(), fields.get("suites", "").split(),
                   fields.get("components", "").split(), fields.get("signed-by", ""))


def oneline_entries(text):
    for line in text.splitlines():
        m = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
        if m:
            key = re.search(r"signed-by=(\S+)", m.group(1) or "")
            yield [m.group(2)], [m.group(3)], m.group(4).split(), key.group(1) if key else ""


def debian_mirror():
    """(URI, keyring) of the line that gave this machine its Debian."""
    code = os_codename()
    files = ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*"))
    for path in files:
        if os.path.basename(path).startswith("nestbox"):
            continue
        try:
            with open(path) as f:
                text = f.read()
        except OSError:
            continue
        parse = deb822_entries if path.endswith(".sources") else oneline_entries
        for uris, suites, comps, key in parse(text):
            if code in suites and "main" in comps and uris:
                if not key.startswith("/"):
                    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
                return uris[0], key
    raise SetupError(f"no apt source of Debian {code} main found in /etc/apt: add one")


# ---- host packages ----------------------------------------------------------

def qemu_version():
    if not shutil.which("qemu-system-aarch64"):
        return None
    out = subprocess.run(["qemu-system-aarch64", "--version"], capture_output=True, text=True).stdout
    m = re.search(r"version (\d+)\.(\d+)", out)
    return (int(m.group(1)), int(m.group(2))) if m else None


def apt_install(packages, suite=None):
    cmd = as_root() + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq",
                       "--no-install-recommends"]
    if suite:
        cmd += ["-t", suite]
    run(cmd + packages, tries=2, what="apt-get install " + " ".join(packages))


def install_backports():
    uri, key = debian_mirror()
    text = ("# Written by Nestbox's tools/setup, for QEMU 10.\nTypes: deb\n"
            f"URIs: {uri}\nSuites: bookworm-backports\nComponents: main\nSigned-By: {key}\n")
    dst = "/etc/apt/sources.list.d/nestbox-backports.sources"
    subprocess.run(as_root() + ["tee", dst], input=text, text=True, check=True,
                   stdout=subprocess.DEVNULL)


def have_libc_headers():
    return os.path.exists("/usr/aarch64-linux-gnu/lib/libc.a")


def setup_host():
    missing = {pkg: why for tool, (pkg, why) in HOST_TOOLS.items() if not shutil.which(tool)}
    if not have_libc_headers():
        missing["libc6-dev-arm64-cross"] = "static C library for nestvm and the tests"
    if not os.path.exists("/usr/include/stdlib.h"):
        missing["libc6-dev"] = "C library of the native tests"
    if not os.path.exists("/usr/lib/gcc/x86_64-linux-gnu") or not glob.glob(
            "/usr/lib/gcc/x86_64-linux-gnu/*/libasan.so"):
        missing.setdefault("gcc", "sanitizers of the native tests")
    version = qemu_version()
    if not missing and version and version >= (10, 0):
        return
    os_codename()
    updated = False
    if missing:
        as_root()
        for pkg, why in sorted(missing.items()):
            say(f"installing {pkg}: {why}")
        run(as_root() + ["apt-get", "update", "-qq"], tries=3, what="apt-get update")
        updated = True
        apt_install(sorted(missing))
    if version is None or version < (10, 0):
        setup_qemu(updated)


def setup_qemu(updated):
    code = os_codename()
    if code == "trixie":
        say("installing qemu-system-arm: the test machine")
        if not updated:
            run(as_root() + ["apt-get", "update", "-qq"], tries=3, what="apt-get update")
        apt_install(["qemu-system-arm"])
        return
    say("installing qemu-system-arm 10 from bookworm-backports: the test machine")
    try:
        install_backports()
        run(as_root() + ["apt-get", "update", "-qq"], tries=3, what="apt-get update")
        apt_install(["qemu-system-arm"], "bookworm-backports")
    except (SetupError, subprocess.CalledProcessError) as err:
        say(f"QEMU 10 could not be had ({err})")
        if qemu_version() is None:
            apt_install(["qemu-system-arm"])
    version = qemu_version()
    if version is None:
        raise SetupError("QEMU is still missing: install qemu-system-arm by hand")
    if version < (10, 0):
        say(f"going on with QEMU {version[0]}.{version[1]}: all but nested virtualization works")


# ---- private apt states for arm64 packages -----------------------------------

class Suite:
    """A private apt that sees one suite's packages for arm64 (or armhf) and sources."""
    fresh = {}

    def __init__(self, name, arch="arm64"):
        self.name = name
        self.arch = arch
        self.dir = os.path.join(BUILD, "apt", name if arch == "arm64" else f"{name}-{arch}")
        self.conf = os.path.join(self.dir, "apt.conf")
        self.env = {"APT_CONFIG": self.conf}

    def prepare(self):
        if Suite.fresh.get(self.dir):
            return
        uri, key = debian_mirror()
        for sub in ("lists/partial", "archives/partial"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        src = f"[signed-by={key}] {uri} {self.name} main\n"
        with open(os.path.join(self.dir, "sources.list"), "w") as f:
            f.write("deb " + src + "deb-src " + src)
        open(os.path.join(self.dir, "status"), "w").close()
        with open(self.conf, "w") as f:
            f.write(f'Dir::State "{self.dir}";\nDir::State::lists "{self.dir}/lists";\n'
                    f'Dir::State::status "{self.dir}/status";\nDir::Cache "{self.dir}";\n'
                    f'Dir::Etc::sourcelist "{self.dir}/sources.list";\nDir::Etc::sourceparts "-";\n'
                    f'APT::Architecture "{self.arch}";\nAPT::Architectures {{ "{self.arch}"; }};\n'
                    'APT::Sandbox::User "";\nAcquire::Retries "3";\nAcquire::Languages "none";\n')
        say(f"reading the package lists of {self.name} ({self.arch})")
        run(["apt-get", "update", "-qq"], env=self.env, tries=3, what=f"apt-get update ({self.name})")
        Suite.fresh[self.dir] = True

    def show(self, package):
        """Fields of the newest version of @package, or None."""
        res = subprocess.run(["apt-cache", "show", "--no-all-versions", package], text=True,
                             env={**os.environ, **self.env}, capture_output=True)
        if res.returncode or not res.stdout.strip():
            return None
        return dict(ln.split(": ", 1) for ln in res.stdout.split("\n\n")[0].splitlines()
                    if ": " in ln and ln[0] != " ")

    def download(self, package):
        """Path of @package's .deb, fetched when it is not there."""
        info = self.show(package)
        if not info:
            raise SetupError(f"{self.name} has no package {package} for {self.arch}")
        name = os.path.basename(info["Filename"])
        dst = os.path.join(DEBS, name)
        if os.path.exists(dst):
            return dst
        tmp = os.path.join(DEBS, "tmp." + package)
        shutil.rmtree(tmp, ignore_errors=True)
        os.makedirs(tmp)
        say(f"fetching {package} {info['Version']} ({int(info.get('Size', 0)) >> 20} MiB, {self.name})")
        run(["apt-get", "download", f"{package}={info['Version']}"], env=self.env, cwd=tmp, tries=3,
            what=f"download of {package}")
        debs = glob.glob(os.path.join(tmp, "*.deb"))
        if len(debs) != 1:
            raise SetupError(f"download of {package} gave no file: try again")
        os.rename(debs[0], dst)
        shutil.rmtree(tmp)
        return dst

    def libraries(self, package, dst):
        """Unpack all library packages that @package depends on, in @dst."""
        out = run(["apt-get", "install", "-y", "-qq", "--print-uris", "--no-install-recommends", package],
                  env=self.env, what=f"dependencies of {package}")
        found = re.findall(r"^'\S+' ((?:lib|zlib)[^_\s]+)_\S*\.deb (\d+)", out, re.M)
        os.makedirs(dst, exist_ok=True)
        say(f"fetching {len(found)} libraries of {package} ({sum(int(n) for _, n in found) >> 20} MiB, {self.name})")
        run(["apt-get", "download", "-qq"] + [name for name, _ in found], env=self.env, cwd=dst, tries=3,
            what=f"download of {package}'s libraries")
        for deb in glob.glob(dst + "/*.deb"):
            run(["dpkg-deb", "-x", deb, dst], what=f"unpacking {os.path.basename(deb)}")
            os.unlink(deb)

    def source(self, package, dst):
        """Unpack source @package as folder @dst."""
        if os.path.isdir(dst):
            return
        tmp = dst + ".tmp"
        shutil.rmtree(tmp, ignore_errors=True)
        os.makedirs(tmp)
        say(f"fetching the source of {package} ({self.name})")
        # Upstream's archive alone: Debian's patches are for its own packaging,
        # and not every mirror keeps them as long.
        run(["apt-get", "source", "-qq", "--only-source", "--tar-only", "--download-only", package],
            env=self.env, cwd=tmp, tries=2, what=f"source of {package}")
        for tar in glob.glob(tmp + "/*.orig.tar.*"):
            run(["tar", "-xf", tar, "-C", tmp], what=f"unpacking {os.path.basename(tar)}")
        dirs = [d for d in glob.glob(tmp + "/*") if os.path.isdir(d)]
        if len(dirs) != 1:
            raise SetupError(f"the source of {package} did not unpack: try again")
        os.rename(dirs[0], dst)
        shutil.rmtree(tmp)


def unpack(deb, name):
    """Contents of @deb under a temporary folder called @name."""
    tmp = os.path.join(BUILD, "apt", "x." + name)
    shutil.rmtree(tmp, ignore_errors=True)
    os.makedirs(tmp)
    run(["dpkg-deb", "-x", deb, tmp], what=f"unpacking {os.path.basename(deb)}")
    return tmp


def first_suite(names, package):
    err = None
    for name in names:
        suite = Suite(name)
        try:
            suite.prepare()
            if suite.show(package):
                return suite
        except SetupError as e:
            err = e
    raise err or SetupError(f"no suite of {', '.join(names)} has {package} for arm64")


# ---- pieces -----------------------------------------------------------------

def kernel_package(suite, meta):
    info = suite.show(meta)
    for dep in re.split(r",\s*", info.get("Depends", "")):
        name = dep.split(" ")[0]
        if re.match(r"linux-image-\d", name):
            return name
    raise SetupError(f"{meta} of {suite.name} depends on no kernel")


def kernel_module(tmp, module):
    """The bytes of @module out of the package unpacked at @tmp."""
    for path in glob.glob(f"{tmp}/**/kernel/**/{module}.ko*", recursive=True):
        with open(path, "rb") as f:
            data = f.read()
        return lzma.decompress(data) if path.endswith(".xz") else data
    raise SetupError(f"the kernel's package holds no module {module}: its layout is new to tools/setup.py")


def fetch_kernel(name):
    dst = os.path.join(BUILD, "guest", name)
    wanted = ["Image"] + [f"modules/{module}.ko" for module in MODULES.get(name, [])]
    if all(os.path.exists(os.path.join(dst, path)) for path in wanted):
        return
    suites, meta = KERNELS[name]
    suite = first_suite(suites, meta)
    package = kernel_package(suite, meta)
    tmp = unpack(suite.download(package), name)
    found = glob.glob(tmp + "/boot/vmlinuz-*") + glob.glob(tmp + "/usr/lib/**/vmlinuz*", recursive=True)
    if not found:
        # Newer packaging: the image proper is in a package of its own.
        for dep in re.split(r",\s*", suite.show(package).get("Depends", "")):
            dep = dep.split(" ")[0]
            if dep.startswith("linux-binary-"):
                tmp = unpack(suite.download(dep), name)
                found = (glob.glob(tmp + "/boot/vmlinuz-*") +
                         glob.glob(tmp + "/usr/lib/**/vmlinuz*", recursive=True))
    if not found:
        raise SetupError(f"{package} holds no kernel image: its layout is new to tools/setup.py")
    with open(found[0], "rb") as f:
        raw = images.to_raw_image(f.read())
    os.makedirs(os.path.join(dst, "modules"), exist_ok=True)
    for module in MODULES.get(name, []):
        write_file(os.path.join(dst, "modules", module + ".ko"), kernel_module(tmp, module))
    write_file(os.path.join(dst, "Image"), raw)
    write_file(os.path.join(dst, "version"), (package + "\n").encode())
    shutil.rmtree(tmp)


def fetch_armhf():
    """Debian's 32-bit kernel (a zImage, with LPAE as a guest's GICv3 wants) and an initrd with a 32-bit busybox."""
    dst = os.path.join(BUILD, "guest", "6.12-armhf")
    initrd = os.path.join(dst, "initrd.cpio.gz")
    init = os.path.join(ROOT, "tools/guest-init")
    if os.path.exists(initrd) and os.path.getmtime(init) <= os.path.getmtime(initrd):
        return
    suite = Suite("trixie", "armhf")
    suite.prepare()
    tmp = unpack(suite.download(kernel_package(suite, "linux-image-armmp-lpae")), "armhf")
    box = unpack(suite.download("busybox-static"), "busybox-armhf")
    kernel = glob.glob(tmp + "/boot/vmlinuz-*")
    busybox = glob.glob(box + "/bin/busybox") + glob.glob(box + "/usr/bin/busybox")
    if not kernel or not busybox:
        raise SetupError("Debian's armhf packages hold no zImage or no busybox: their layout is new to tools/setup.py")
    os.makedirs(dst, exist_ok=True)
    shutil.copyfile(kernel[0], os.path.join(dst, "zImage"))
    write_file(initrd, guestfs.guest_initrd(busybox[0], init))
    shutil.rmtree(tmp)
    shutil.rmtree(box)


def write_file(path, data, mode=0o644):
    tmp = path + ".tmp"
    with open(tmp, "wb") as f:
        f.write(data)
    os.chmod(tmp, mode)
    os.rename(tmp, path)


def fetch_busybox():
    dst = os.path.join(BUILD, "guest", "busybox")
    if os.path.exists(dst):
        return
    suite = first_suite(["trixie", "bookworm"], "busybox-static")
    tmp = unpack(suite.download("busybox-static"), "busybox")
    found = [p for p in (tmp + "/bin/busybox", tmp + "/usr/bin/busybox") if os.path.exists(p)]
    if not found:
        raise SetupError("busybox-static holds no busybox: its layout is new to tools/setup.py")
    os.makedirs(os.path.dirname(dst), exist_ok=True)
    with open(found[0], "rb") as f:
        write_file(dst, f.read(), 0o755)
    shutil.rmtree(tmp)


def fetch_uapi():
    dst = os.path.join(BUILD, "uapi")
    if os.path.exists(os.path.join(dst, "asm", "kvm.h")):
        return
    suite = first_suite(["trixie", "bookworm-backports"], "linux-libc-dev")
    tmp = unpack(suite.download("linux-libc-dev"), "uapi")
    new = dst + ".tmp"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    for sub in ("linux", "asm-generic", "misc", "mtd", "rdma", "scsi", "sound", "video", "drm"):
        src = os.path.join(tmp, "usr/include", sub)
        if os.path.isdir(src):
            shutil.copytree(src, os.path.join(new, sub), symlinks=False)
    asm = [p for p in (tmp + "/usr/lib/linux/uapi/arm64/asm", tmp + "/usr/include/aarch64-linux-gnu/asm")
           if os.path.exists(os.path.join(p, "kvm.h"))]
    if not asm:
        raise SetupError("linux-libc-dev holds no arm64 asm/kvm.h: its layout is new to tools/setup.py")
    shutil.copytree(asm[0], os.path.join(new, "asm"), symlinks=False)
    shutil.rmtree(dst, ignore_errors=True)
    os.rename(new, dst)
    shutil.rmtree(tmp)


def fetch_sources():
    src = os.path.join(BUILD, "src")
    libfdt, zlib = os.path.join(src, "libfdt"), os.path.join(src, "zlib")
    if os.path.isdir(libfdt) and os.path.isdir(zlib):
        return
    os.makedirs(src, exist_ok=True)
    dtc = os.path.join(src, "dtc")
    if not os.path.isdir(libfdt):
        source_any(["trixie", "bookworm"], "device-tree-compiler", dtc)
        os.rename(os.path.join(dtc, "libfdt"), libfdt)
        shutil.rmtree(dtc)
    source_any(["trixie", "bookworm"], "zlib", zlib)


def source_any(suites, package, dst):
    """Source @package from the first suite whose mirror still has all of it."""
    for left, name in enumerate(suites, 1 - len(suites)):
        try:
            suite = Suite(name)
            suite.prepare()
            return suite.source(package, dst)
        except SetupError as err:
            if not left:
                raise
            say(f"{name}: {err}")


def build_guest_initrd():
    """The default guest's initrd: busybox and one init script."""
    dst = os.path.join(BUILD, "guest", "initrd.cpio.gz")
    busybox = os.path.join(BUILD, "guest", "busybox")
    deps = [busybox, guestfs.__file__, os.path.join(ROOT, "tools/guest-init")]
    if os.path.exists(dst) and all(os.path.getmtime(p) <= os.path.getmtime(dst) for p in deps):
        return
    write_file(dst, guestfs.guest_initrd(busybox, os.path.join(ROOT, "tools/guest-init")))


def piece_headers():
    os.makedirs(DEBS, exist_ok=True)
    setup_host()
    fetch_uapi()
    fetch_sources()


def piece_base():
    piece_headers()
    fetch_busybox()
    fetch_kernel("6.12-cloud")
    build_guest_initrd()


def fetch_musl():
    """Headers and the static library of musl, for tests/abi/NAME.musl."""
    dst = os.path.join(BUILD, "arm64", "musl")
    if os.path.isdir(dst):
        return
    suite = first_suite(["trixie", "bookworm"], "musl-dev")
    tmp = unpack(suite.download("musl-dev"), "musl")
    found = {what: glob.glob(f"{tmp}/usr/{what}/aarch64-linux-musl") for what in ("include", "lib")}
    if not all(found.values()):
        raise SetupError("musl-dev holds no aarch64-linux-musl: its layout is new to tools/setup.py")
    for what, path in found.items():
        shutil.copytree(path[0], os.path.join(dst + ".tmp", what), dirs_exist_ok=True)
    os.rename(dst + ".tmp", dst)
    shutil.rmtree(tmp)


def fetch_libc():
    """A root with the newest libc6, for dynamically linked tests."""
    dst = os.path.join(BUILD, "arm64", "glibc")
    if os.path.isdir(dst):
        return
    suite = first_suite(["trixie", "bookworm"], "libc6")
    # libgcc_s: glibc loads it for pthread_cancel.
    roots = [unpack(suite.download(name), name) for name in ("libc6", "libgcc-s1")]
    arm64root.collect(roots, ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "libgcc_s.so.1"], dst)
    for tmp in roots:
        shutil.rmtree(tmp)


def fetch_qemu():
    """Debian 12's own arm64 QEMU with its libraries: a VMM to run on Nestbox."""
    dst = os.path.join(BUILD, "arm64", "qemu")
    if os.path.isdir(dst):
        return
    suite = first_suite(["bookworm"], "qemu-system-arm")
    tmp = unpack(suite.download("qemu-system-arm"), "qemu")
    libs = os.path.join(BUILD, "apt", "x.qemu-libs")
    shutil.rmtree(libs, ignore_errors=True)
    suite.libraries("qemu-system-arm", libs)
    arm64root.collect([libs], [], dst, [os.path.join(tmp, "usr/bin/qemu-system-aarch64")])
    shutil.rmtree(tmp)
    shutil.rmtree(libs)


def piece_libs():
    piece_base()
    fetch_musl()
    fetch_libc()


def piece_test():
    piece_libs()
    fetch_kernel("6.1-cloud")
    fetch_kernel("7.2-cloud")
    fetch_qemu()


def piece_qemu():
    piece_base()
    fetch_qemu()


def piece_nested():
    piece_base()
    fetch_kernel("7.2-cloud")


def piece_full():
    piece_test()
    for name in KERNELS:
        fetch_kernel(name)
    fetch_armhf()


def piece_selftests():
    piece_base()
    dst = os.path.join(BUILD, "src", "linux-6.12")
    if os.path.isdir(os.path.join(dst, "tools/testing/selftests/arm64")):
        return
    suite = first_suite(["trixie", "bookworm-backports"], "linux-source-6.12")
    tmp = unpack(suite.download("linux-source-6.12"), "linux-source")
    tars = glob.glob(tmp + "/usr/src/linux-source-6.12.tar.*")
    if not tars:
        raise SetupError("linux-source-6.12 holds no archive: its layout is new to tools/setup.py")
    say("unpacking the parts of Linux 6.12's source that its KVM and arm64 fp selftests need")
    part = dst + ".tmp"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    wanted = ["tools/testing/selftests/kvm", "tools/testing/selftests/lib.mk",
              "tools/testing/selftests/kselftest.h", "tools/testing/selftests/kselftest_harness.h",
              "tools/testing/selftests/rseq", "tools/testing/selftests/Makefile",
              "tools/testing/selftests/arm64",
              "tools/include", "tools/arch", "tools/lib", "tools/scripts", "tools/build",
              "include/uapi", "arch/arm64", "arch/x86/include", "include/linux",
              "scripts", "Makefile"]
    run(["tar", "-xf", tars[0], "-C", part, "--strip-components=1"] +
        ["linux-source-6.12/" + w for w in wanted], what="unpacking linux-source-6.12")
    shutil.rmtree(dst, ignore_errors=True)
    os.rename(part, dst)
    shutil.rmtree(tmp)


PIECES = {
    "headers": (piece_headers, "host tools, Linux's UAPI headers, libfdt and zlib: enough to compile"),
    "base": (piece_base, "headers, busybox, the default guest: enough for `make run`"),
    "libs": (piece_libs, "base and the arm64 C libraries that tests/abi is built with"),
    "test": (piece_test, "libs, the other guest kernels of `make test`, Debian 12's arm64 QEMU"),
    "nested": (piece_nested, "base and the 7.2 kernel: a guest that is a hypervisor"),
    "full": (piece_full, "test and the guest kernels of `make test-full`"),
    "qemu": (piece_qemu, "base and Debian 12's arm64 QEMU, to run on Nestbox"),
    "selftests": (piece_selftests, "base and the source of Linux's KVM selftests"),
}


def main():
    text = "pieces:\n" + "\n".join(f"  {n:10} {why}" for n, (_, why) in PIECES.items())
    p = argparse.ArgumentParser(prog="tools/setup", epilog=text, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("piece", nargs="*", default=["base"], help="what to make ready (default: base)")
    args = p.parse_args()
    for name in args.piece:
        if name not in PIECES:
            print(f"setup: no piece is called {name}: use one of {', '.join(PIECES)}", file=sys.stderr)
            return 2
    begin = time.time()
    try:
        os.makedirs(os.path.join(BUILD, "stamps"), exist_ok=True)
        for name in args.piece:
            PIECES[name][0]()
            write_file(os.path.join(BUILD, "stamps", name), b"")
    except (SetupError, images.BadImage, arm64root.BadRoot, OSError, subprocess.CalledProcessError) as err:
        print(f"setup: {err}", file=sys.stderr)
        return 2 if isinstance(err, NeedsRoot) else 1
    say(f"ready ({', '.join(args.piece)}; {time.time() - begin:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
