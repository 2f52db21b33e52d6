# SPDX-License-Identifier: GPL-2.0-only
"""arm64 boot images: recognise, check and unpack them (Linux's
Documentation/arch/arm64/booting.rst; EFI zboot header)."""
import gzip
import lzma
import shutil
import struct
import subprocess
import zlib

GZIP_MAGIC = b"\x1f\x8b"
ARM64_MAGIC = b"ARM\x64"


class BadImage(Exception):
    """The message is one line for the user."""


def is_raw_image(data):
    return len(data) >= 64 and data[56:60] == ARM64_MAGIC


def gunzip(data, limit=1 << 30):
    """Unpack the first gzip member of @data; trailing bytes are ignored."""
    d = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        out = d.decompress(data, limit)
    except zlib.error as err:
        raise BadImage(f"its gzip data is damaged ({err})") from None
    if not d.eof:
        raise BadImage("its gzip data is cut short" if len(out) < limit else "it unpacks to over 1 GiB")
    return out


def unzboot(data):
    """The payload of an EFI zboot image ("MZ", "zimg" at 4)."""
    off, size = struct.unpack_from("<II", data, 8)
    kind = data[24:56].split(b"\0")[0].decode("latin-1")
    payload = data[off:off + size]
    if len(payload) != size:
        raise BadImage("its EFI zboot payload is cut short")
    if kind.startswith("gzip"):
        return gunzip(payload)
    if kind.startswith("xz") or kind.startswith("lzma"):
        # The payload ends with the unpacked size, which is not part of the stream.
        return lzma.LZMADecompressor().decompress(payload)
    if kind.startswith("zstd"):
        if not shutil.which("zstd"):
            raise BadImage("it is packed with zstd: install zstd")
        res = subprocess.run(["zstd", "-dcq"], input=payload, capture_output=True)
        if not is_raw_image(res.stdout):
            raise BadImage("its zstd data is damaged")
        return res.stdout
    raise BadImage(f"it is an EFI zboot image packed with {kind or 'an unknown method'}")


def to_raw_image(data):
    """@data as a raw arm64 Image, or BadImage saying why not."""
    if data[:2] == GZIP_MAGIC:
        data = gunzip(data)
    if data[:2] == b"MZ" and data[4:8] == b"zimg":
        data = unzboot(data)
    if not is_raw_image(data):
        raise BadImage("it is not an arm64 Image (no ARM\\x64 at byte 56)")
    return data


def image_memory(raw):
    """(text_offset, image_size) of a raw Image, in bytes."""
    off, size = struct.unpack_from("<QQ", raw, 8)
    return (off, size) if size else (0x80000, len(raw))


def check_guest_kernel(path):
    """Read @path; return (raw image, packed size) or raise BadImage."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] == b"MZ" and data[4:8] == b"zimg":
        raise BadImage("it is an EFI zboot image: give the raw or gzip'd Image")
    return to_raw_image(data)


def pack(data):
    return gzip.compress(data, 6, mtime=0)
