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
# The entry code itself: no line can be added to these files that writes the configuration or looks into the state set.
refuse() {	# file, line, wanted error
	if out=$( (cat "$1"; echo "$2") | try -iquote "$(dirname "$1")" -x c -); then
		echo "FAIL $1: compiles with: $2"; failed=$((failed + 1))
	elif ! echo "$out" | grep -Eq -- "$3"; then
		echo "FAIL $1: another error than '$3' with: $2"; echo "$out" | head -3; failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}
for f in kvm/run/enter.c kvm/run/exit.c kvm/run/leave.c kvm/run/load.c; do
	if ! out=$(try "$f"); then
		echo "nocompile: $f does not compile:"; echo "$out" | head -5; exit 1
	fi
	refuse $f 'void nc_1(struct vcpu *v); void nc_1(struct vcpu *v) { v->config.mpidr = 1; }' 'read-only|const-qualified'
	refuse $f 'int nc_2(struct vcpu *v); int nc_2(struct vcpu *v) { return v->state->error; }' \
		'incomplete type|undefined type|incomplete definition'
	refuse $f '#include "kvm/vcpu_state.h"' 'entry code does not see the state set'
	refuse $f '#include "kvm/vcpu_config.h"' 'entry code sees the configuration as const'
	refuse $f 'bool nc_3(struct vcpu *v); bool nc_3(struct vcpu *v) { return v->input.frozen; }' 'no member named'
done
echo "nocompile: $passed passed, $failed failed"
[ "$failed" = 0 ]
