#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Code that must not compile: each tests/host/nocompile/*.c names in its second line the error that the compiler must give.
# usage: nocompile.sh [COMPILER]   (run from the top of the tree, after `make kernel`: needs build/gen and build/uapi)
cc=${1:-aarch64-linux-gnu-gcc}
flags="-std=gnu11 -ffreestanding -fsyntax-only -mgeneral-regs-only -Werror -iquote . -I include -I build/gen -isystem build/uapi"
failed=0 passed=0
try() {
	LC_ALL=C $cc $flags "$@" 2>&1
}
# The flags themselves must be right, or everything fails for the wrong reason.
if ! out=$(echo '#include "kvm/vcpu_config.h"' | try -x c -); then
	echo "nocompile: the headers do not compile:"; echo "$out" | head -5; exit 1
fi
for f in tests/host/nocompile/*.c; do
	want=$(sed -n '2s,^/\* error: \(.*\) \*/$,\1,p' "$f")
	if out=$(try "$f"); then
		echo "FAIL $f: compiles"; failed=$((failed + 1))
	elif ! echo "$out" | grep -Eq -- "$want"; then
		echo "FAIL $f: another error than '$want':"; echo "$out" | head -3; failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
done
echo "nocompile: $passed passed, $failed failed"
[ "$failed" = 0 ]
