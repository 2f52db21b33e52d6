# SPDX-License-Identifier: GPL-2.0-only
# `make help` says what there is. Everything made goes to build/.

# ---- choices ------------------------------------------------------------------
FLAVOUR ?= release
CROSS   ?= aarch64-linux-gnu-
V       ?= 0

ifeq ($(origin CC),default)
CC := $(CROSS)gcc
endif
ifneq ($(findstring clang,$(notdir $(CC))),)
IS_CLANG   := y
KCC        := $(CC) --target=aarch64-linux-gnu
USERCC     := $(CC) --target=aarch64-linux-gnu
else
KCC        := $(CC)
USERCC     := $(CC)
endif
# The linker and the binary tools are binutils' in both cases.
KLD     := $(CROSS)ld
OBJCOPY := $(CROSS)objcopy
NM      := $(CROSS)nm
HOSTCC  ?= gcc
PYTHON  ?= python3

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n' $(1) $(2))

# What is fetched lives in build/; what is made may go elsewhere (OUT=...), so that
# several builds of one tree can run at once.
FETCHED := build
OUT   ?= build
BUILD := $(OUT)
FLAVOURS := release test kasan

# ---- set-up -------------------------------------------------------------------
# The host tools, headers and third-party sources must be there before the
# wildcards below look for them.
goals := $(if $(MAKECMDGOALS),$(MAKECMDGOALS),all)
ifneq ($(filter-out clean distclean help,$(goals)),)
ifneq ($(NO_SETUP),1)
setup_piece := $(if $(filter test% abi-tests,$(goals)),libs,$(if $(filter run run-nested bench,$(goals)),base,headers))
setup_out := $(shell tools/setup $(setup_piece) >&2 && echo ok)
ifneq ($(setup_out),ok)
$(error the set-up did not finish)
endif
endif
endif

.PHONY: all
all: kernel nestvm

# ---- generated code -----------------------------------------------------------
GEN     := $(BUILD)/gen
TABLES  := $(wildcard tables/*)
GENSTAMP := $(GEN)/.stamp
ifneq ($(wildcard tables/gen.py),)
# Run by make itself and not by a rule, so that wildcards see the generated .c files.
ifneq ($(filter-out clean distclean help,$(goals)),)
gen_out := $(shell mkdir -p $(GEN); if [ ! -e $(GENSTAMP) ] || \
	[ -n "$$(find tables kvm/vcpu.h kvm/vcpu_state.h -newer $(GENSTAMP) -type f ! -name '*.pyc' | head -1)" ]; then \
	$(PYTHON) -B tables/gen.py $(GEN) >&2 && touch $(GENSTAMP) && echo ok; else echo ok; fi)
ifneq ($(gen_out),ok)
$(error tables/gen.py failed)
endif
endif
endif

# ---- kernel -------------------------------------------------------------------
kdirs   := boot kernel linux kvm
ksrc_c  := $(shell find $(wildcard $(kdirs)) -name '*.c' 2>/dev/null | LC_ALL=C sort)
ksrc_s  := $(shell find $(wildcard $(kdirs)) -name '*.S' 2>/dev/null | LC_ALL=C sort)
kgen_c  := $(wildcard $(GEN)/*.c)
ktest_c := $(wildcard tests/kernel/*.c)

fdt_c  := $(addprefix $(FETCHED)/src/libfdt/,fdt.c fdt_ro.c fdt_addresses.c fdt_wip.c fdt_rw.c fdt_sw.c \
	fdt_empty_tree.c fdt_strerror.c)
zlib_c := $(addprefix $(FETCHED)/src/zlib/,inflate.c inftrees.c inffast.c adler32.c crc32.c zutil.c)

UAPI := $(FETCHED)/uapi

kflags_common := -std=gnu11 -ffreestanding -mgeneral-regs-only -fno-pic -fno-pie -mcmodel=small \
	-fno-strict-aliasing -fno-common -fno-omit-frame-pointer -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -mbranch-protection=none \
	-ffunction-sections -fdata-sections -fno-delete-null-pointer-checks -fwrapv -g1 \
	-march=armv8.1-a -mno-outline-atomics
ifdef IS_CLANG
kflags_common := $(filter-out -mno-outline-atomics,$(kflags_common)) -mno-outline-atomics -fno-addrsig
endif
# A freestanding compiler still brings stddef.h, stdarg.h and stdint.h; nothing
# else of the system may leak in.
kflags_common += -nostdinc -isystem $(shell $(KCC) -print-file-name=include 2>/dev/null)
kwarn := -Wall -Wextra -Werror -Wno-unused-parameter
ifdef IS_CLANG
kwarn += -Wno-gnu-variable-sized-type-not-at-end -Wno-unused-command-line-argument
endif
kinc := -iquote . -I include -I $(GEN) -isystem $(UAPI) -isystem $(FETCHED)/src/libfdt \
	-isystem $(FETCHED)/src/zlib -isystem tools/third
kdefs := -DNESTBOX_KERNEL=1 -DZ_SOLO

kflags_release := -O2
# With sanitizers gcc's flow warnings see the checks' own error paths.
kwarn_test  := -Wno-array-bounds -Wno-maybe-uninitialized -Wno-stringop-overflow
kwarn_kasan := $(kwarn_test)
ifdef IS_CLANG
kwarn_test  := -Wno-array-bounds
kwarn_kasan := $(kwarn_test)
endif
kflags_test    := -O2 -DCONFIG_SELFTEST=1 -DCONFIG_UBSAN=1
kflags_kasan   := -O2 -DCONFIG_SELFTEST=1 -DCONFIG_KASAN=1

san_test  := -fsanitize=bounds,shift,integer-divide-by-zero,unreachable,bool,enum,vla-bound \
	-fno-sanitize-recover=unreachable
ifdef IS_CLANG
san_kasan := -fsanitize=kernel-address -mllvm -asan-instrumentation-with-call-threshold=0 \
	-mllvm -asan-globals=0 -mllvm -asan-stack=0 -mllvm -asan-use-after-scope=0
else
san_kasan := -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 \
	--param asan-globals=0 --param asan-stack=0
endif
# These run before the shadow is mapped, or are the checkers themselves.
nosan := boot/early% kernel/mm/kasan% kernel/debug/kasan% kernel/debug/ubsan% kernel/debug/panic%

# Z_SOLO: zlib without malloc and files, the caller brings zalloc and zfree.
third_flags := -w -I $(FETCHED)/src/libfdt -I $(FETCHED)/src/zlib -I tools/third

# san(flavour, source): sanitizer flags of one file.
san = $(if $(filter $(nosan),$(2)),,$(san_$(1)))

# Rules of one flavour.
define flavour_rules
$(1)_dir := $$(BUILD)/kernel/$(1)
$(1)_src := $$(ksrc_c) $$(ksrc_s) $$(kgen_c) $$(if $$(filter release,$(1)),,$$(ktest_c))
$(1)_third := $$(fdt_c) $$(zlib_c)
$(1)_obj := $$(patsubst %,$$($(1)_dir)/%.o,$$($(1)_src:$$(BUILD)/%=%)) \
	$$(patsubst $$(FETCHED)/src/%,$$($(1)_dir)/third/%.o,$$($(1)_third))
$(1)_flags := $$(kflags_common) $$(kflags_$(1)) $$(kdefs) -DNESTBOX_FLAVOUR='"$(1)"'
$(1)_stamp := $$($(1)_dir)/.flags

-include $$(shell find $$($(1)_dir) -name '*.d' 2>/dev/null)

$$($(1)_dir)/third/libfdt/%.c.o: $$(FETCHED)/src/libfdt/%.c $$($(1)_dir)/.flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(KCC) $$($(1)_flags) $$(third_flags) -MMD -c -o $$@ $$<

$$($(1)_dir)/third/zlib/%.c.o: $$(FETCHED)/src/zlib/%.c $$($(1)_dir)/.flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(KCC) $$($(1)_flags) $$(third_flags) -MMD -c -o $$@ $$<

$$($(1)_dir)/gen/%.c.o: $$(GEN)/%.c $$($(1)_dir)/.flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(KCC) $$($(1)_flags) $$(kwarn) $$(kwarn_$(1)) $$(kinc) $$(san_$(1)) -MMD -c -o $$@ $$<

$$($(1)_dir)/%.c.o: %.c $$($(1)_dir)/.flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(KCC) $$($(1)_flags) $$(kwarn) $$(kwarn_$(1)) $$(kinc) $$(call san,$(1),$$<) -MMD -c -o $$@ $$<

$$($(1)_dir)/%.S.o: %.S $$($(1)_dir)/.flags
	$$(call say,AS,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(KCC) $$(filter-out -g1,$$($(1)_flags)) $$(kinc) -D__ASSEMBLY__=1 -D__ASSEMBLER__=1 -MMD -c -o $$@ $$<

# Rebuild all when the compiler or the flags change.
$$($(1)_dir)/.flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$(KCC) $$($(1)_flags) $$(kwarn) $$(kwarn_$(1)) $$(san_$(1))' > $$@.new; \
		cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@

$$($(1)_dir)/link.lds: boot/link.lds $$($(1)_dir)/.flags
	@mkdir -p $$(@D)
	$$(Q)$$(KCC) -E -P -x c $$($(1)_flags) $$(kinc) -D__LINKER__=1 -D__ASSEMBLY__=1 -o $$@ $$<

# Symbol table: link without, take the names, link with a table of the right
# size (addresses may move), then once more with the right addresses.
$$($(1)_dir)/kernel.elf: $$($(1)_obj) $$($(1)_dir)/link.lds tools/kallsyms.py
	$$(call say,LD,$$@)
	$$(Q)set -e; d=$$($(1)_dir); \
	$$(PYTHON) tools/kallsyms.py > $$$$d/ksyms0.S; prev=0; \
	for pass in 0 1 2; do \
		$$(KCC) -c -o $$$$d/ksyms$$$$pass.o $$$$d/ksyms$$$$pass.S; \
		$$(KLD) -static -nostdlib -z noexecstack -z norelro --no-warn-rwx-segments \
			--build-id=none -z max-page-size=4096 --gc-sections \
			-T $$$$d/link.lds -Map $$$$d/kernel.map -o $$$$d/pass.elf \
			$$($(1)_obj) $$$$d/ksyms$$$$pass.o; \
		$$(NM) -n $$$$d/pass.elf > $$$$d/ksyms.nm; \
		$$(PYTHON) tools/kallsyms.py $$$$d/ksyms.nm > $$$$d/ksyms$$$$((pass + 1)).S; \
	done; \
	cmp -s $$$$d/ksyms2.S $$$$d/ksyms3.S || { echo "symbol table does not settle" >&2; exit 1; }; \
	mv $$$$d/pass.elf $$@

$$($(1)_dir)/Image: $$($(1)_dir)/kernel.elf
	$$(call say,IMAGE,$$@)
	$$(Q)$$(OBJCOPY) -O binary $$< $$@

.PHONY: kernel-$(1)
kernel-$(1): $$($(1)_dir)/Image
endef
$(foreach f,$(FLAVOURS),$(eval $(call flavour_rules,$(f))))

.PHONY: kernel FORCE
kernel: kernel-$(FLAVOUR)

# Compile without linking.
.PHONY: objs
objs: $($(FLAVOUR)_obj)
FORCE:

# ---- programs that run on the host --------------------------------------------
user_flags := -std=gnu11 -O2 -g1 -static -Wall -Wextra -Werror -Wno-unused-parameter -D_GNU_SOURCE
user_inc   := -iquote . -I vmm -I include -I $(FETCHED)/src/libfdt -I $(FETCHED)/src/zlib -isystem $(UAPI)
vmm_src := $(shell find $(wildcard vmm) -name '*.c' 2>/dev/null | LC_ALL=C sort)
vmm_obj := $(patsubst %.c,$(BUILD)/vmm-obj/%.o,$(vmm_src)) \
	$(patsubst $(FETCHED)/src/%.c,$(BUILD)/vmm-obj/third/%.o,$(fdt_c) $(zlib_c))
-include $(shell find $(BUILD)/vmm-obj $(BUILD)/tests $(BUILD)/bench -name '*.d' 2>/dev/null)

$(BUILD)/vmm-obj/third/%.o: $(FETCHED)/src/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) -O2 -w -I $(FETCHED)/src/libfdt -I $(FETCHED)/src/zlib -MMD -c -o $@ $<

$(BUILD)/vmm-obj/%.o: %.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(user_flags) $(user_inc) -MMD -c -o $@ $<

$(BUILD)/nestvm: $(vmm_obj)
	$(call say,LD,$@)
	$(Q)$(USERCC) -static -o $@ $^ -lpthread

.PHONY: nestvm
nestvm: $(if $(vmm_src),$(BUILD)/nestvm)

# tests/abi/NAME.c -> build/tests/abi/NAME, one static program each.
abi_src := $(wildcard tests/abi/*.c)
abi_bin := $(patsubst %.c,$(BUILD)/%,$(abi_src))
$(BUILD)/tests/abi/%: tests/abi/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(user_flags) $(user_inc) -I tests/abi -I $(GEN) -MMD -MF $@.d -o $@ $< -lpthread -lm

# The test of C libraries in its other builds: NAME.pie and NAME.dyn (glibc), NAME.musl.
ARM64  := $(FETCHED)/arm64
musl_c := $(USERCC) $(filter-out -static,$(user_flags)) -mno-outline-atomics -nostdinc \
	-isystem $(ARM64)/musl/include -isystem $(UAPI) \
	-isystem $(shell $(USERCC) -print-file-name=include 2>/dev/null)
musl_ld := $(addprefix $(ARM64)/musl/lib/,crt1.o crti.o)
abi_libc := libc.pie libc.dyn $(if $(wildcard $(ARM64)/musl),$(addsuffix .musl,libc threads signals files))
abi_bin += $(addprefix $(BUILD)/tests/abi/,$(abi_libc))

$(BUILD)/tests/abi/%.pie: tests/abi/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(USERCC) $(filter-out -static,$(user_flags)) -static-pie -fPIE $(user_inc) \
		-MMD -MF $@.d -o $@ $< -lpthread -lm

$(BUILD)/tests/abi/%.dyn: tests/abi/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(USERCC) $(filter-out -static,$(user_flags)) -DDYNAMIC='"libm.so.6"' $(user_inc) \
		-MMD -MF $@.d -o $@ $< -lpthread -lm -ldl

$(BUILD)/tests/abi/%.musl: tests/abi/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(musl_c) -MMD -MF $@.d -static -nostdlib -o $@ $(musl_ld) $< \
		$(ARM64)/musl/lib/libc.a -lgcc $(ARM64)/musl/lib/crtn.o

.PHONY: abi-tests
abi-tests: $(abi_bin)

# Folders with a Makefile fragment of their own (payloads, bench).
-include $(wildcard tests/guest/build.mk tests/boot/build.mk bench/build.mk)

# ---- native tests -------------------------------------------------------------
# First line of tests/host/test_X.c: `// link: FILE.c ...`, the code under test.
host_src  := $(wildcard tests/host/test_*.c)
fuzz_src  := $(wildcard tests/host/fuzz_*.c)
host_bin  := $(patsubst tests/host/%.c,$(BUILD)/tests/host/%,$(host_src) $(fuzz_src))
host_flags := -std=gnu11 -O1 -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function -D_GNU_SOURCE -DNATIVE=1 \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
	-iquote . -I include -I $(GEN) -I tests/host -isystem $(FETCHED)/uapi
links = $(shell sed -n '1,3s|^// link:||p' $(1))

# One call compiles several sources, of which the compiler names one's headers only.
host_headers := $(wildcard tests/host/*.h kvm/*.h kvm/*/*.h kernel/*/*.h linux/*/*.h include/nestbox/*.h)

define host_rule
$(patsubst tests/host/%.c,$(BUILD)/tests/host/%,$(1)): $(1) $(call links,$(1)) \
		$(if $(findstring /fuzz_,$(1)),tests/host/driver.c) $(host_headers)
	$$(call say,HOSTCC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(HOSTCC) $$(host_flags) -MMD -MF $$@.d -o $$@ $$(filter %.c,$$^) -lpthread
endef
$(foreach s,$(host_src) $(fuzz_src),$(eval $(call host_rule,$(s))))

# The model checkers once more for test-full: millions of states, so optimised and without sanitizers.
model_bin := $(patsubst tests/host/test_%_model.c,$(BUILD)/tests/host/full_%_model,$(wildcard tests/host/test_*_model.c))
$(model_bin): $(BUILD)/tests/host/full_%: $(BUILD)/tests/host/test_%
	$(call say,HOSTCC,$@)
	$(Q)$(HOSTCC) $(filter-out -O1 -fsanitize% -fno-sanitize%,$(host_flags)) -O2 -o $@ \
		tests/host/test_$*.c $(call links,tests/host/test_$*.c)

# Fuzz targets under libFuzzer, for test-full, where there is a clang that has it.
FUZZCC ?= $(firstword $(shell command -v clang clang-19 clang-14 2>/dev/null))
libfuzzer_bin := $(patsubst tests/host/fuzz_%.c,$(BUILD)/tests/host/libfuzz_%,$(fuzz_src))
$(libfuzzer_bin): $(BUILD)/tests/host/libfuzz_%: $(BUILD)/tests/host/fuzz_%
	$(call say,FUZZCC,$@)
	$(Q)$(FUZZCC) $(filter-out -fsanitize% -fno-sanitize% -Werror,$(host_flags)) -w -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ tests/host/fuzz_$*.c $(call links,tests/host/fuzz_$*.c)

.PHONY: host-tests host-full
host-tests: $(host_bin)
host-full: host-tests $(model_bin) $(if $(FUZZCC),$(libfuzzer_bin))

# ---- what a user types ----------------------------------------------------------
rings := host kernel guest abi fp third boot
.PHONY: run test test-full check bench selftests qemu-on-nestbox clean distclean help $(addprefix test-,$(rings))

run: kernel-release nestvm
	$(Q)./nestbox run -c 2 -m 1G --host-cpus 2 --host-mem 4G

# A guest with an EL2, and in it a guest by the same nestvm. BATCH=1: without a terminal, everything powers off.
run-nested: kernel-release nestvm
	$(if $(filter 1,$(NO_SETUP)),,$(Q)tools/setup nested)
	$(Q)./nestbox run --nested -k 7.2-cloud -m 1G --host-mem 4G $(if $(BATCH),--batch)
.PHONY: run-nested

tests-build: boot-programs kernel-release kernel-test nestvm abi-tests host-tests $(guest_payloads)
.PHONY: tests-build

test: tests-build kernel-kasan check-static
	$(Q)tools/setup test selftests
	$(Q)tools/selftests
	$(Q)tools/fp-selftests
	$(Q)tests/run $(rings)

test-full: tests-build host-full kernel-kasan check-static
	$(Q)tools/setup full selftests
	$(Q)tools/selftests
	$(Q)tools/fp-selftests
	$(Q)tests/run --full $(rings)

$(addprefix test-,$(rings)): test-%: tests-build
	$(Q)tools/setup $(if $(filter boot,$*),test,base) $(if $(filter third fp,$*),selftests)
	$(if $(filter third,$*),$(Q)tools/selftests)
	$(if $(filter fp,$*),$(Q)tools/fp-selftests)
	$(Q)tests/run $*
test-kernel test-guest: kernel-kasan

# Fast: all that can be said without starting QEMU.
check: $(addprefix kernel-,$(FLAVOURS)) nestvm host-tests check-static
	$(Q)tests/run host

.PHONY: check-static
check-static:
	$(Q)tools/check-layers
	$(Q)tools/check-style
	$(Q)tools/check-sdei-cases
	$(Q)tools/check-docs
	$(if $(wildcard tables/gen.py),$(Q)mkdir -p $(BUILD)/gen-check && $(PYTHON) -B tables/gen.py $(BUILD)/gen-check)

bench: kernel-release nestvm $(bench_programs)
	$(Q)tools/bench

selftests-build:
	$(Q)tools/setup selftests
	$(Q)tools/selftests
.PHONY: selftests-build

# HOST=linux runs them on Linux/KVM, TESTS=REGEX only some.
selftests: kernel-release selftests-build
	$(Q)tests/run --full --flavour release --table $(if $(filter linux,$(HOST)),--host linux) \
		$(if $(TESTS),--match '$(TESTS)') third

# Debian 12's own arm64 QEMU as the VMM: 1 and 2 vCPUs, to power-off.
qemu-on-nestbox: kernel-test
	$(Q)tools/setup qemu
	$(Q)tests/run --full --match 'QEMU.*as VMM' boot

clean:
	rm -rf $(BUILD)/kernel $(BUILD)/gen $(BUILD)/vmm-obj $(BUILD)/nestvm $(BUILD)/tests $(BUILD)/bench

distclean:
	rm -rf $(BUILD) $(FETCHED)

help:
	@echo 'make [all]       the kernel (release) and nestvm'
	@echo 'make run         set up what is missing, then an interactive guest on Nestbox'
	@echo 'make test        every ring of tests; test-full has more guests and CPU models'
	@echo 'make test-RING   one ring: $(rings)'
	@echo 'make check       builds every flavour, layering, style, tables, native tests'
	@echo 'make bench       events and start-up, beside Linux/KVM in the same QEMU'
	@echo 'make selftests   Linux 6.12 KVM selftests on Nestbox, a table; HOST=linux: on Linux/KVM; TESTS=REGEX'
	@echo 'make qemu-on-nestbox   an unmodified Debian 12 arm64 QEMU as a VMM on Nestbox, 1 and 2 vCPUs'
	@echo 'make kernel      one flavour: FLAVOUR=release|test|kasan (also kernel-FLAVOUR)'
	@echo 'make clean       what was built; distclean also removes what was fetched'
	@echo 'Options: V=1 shows commands, CC=clang, NO_SETUP=1 skips the set-up, -j2'
