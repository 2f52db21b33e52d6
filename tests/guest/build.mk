# SPDX-License-Identifier: GPL-2.0-only
# Bare EL1 payloads: tests/guest/NAME.c -> build/tests/guest/NAME, an arm64 Image.
payload_src := $(wildcard tests/guest/*.c)
payload_lib := tests/guest/lib/start.S tests/guest/lib/lib.c tests/guest/lib/gic.c tests/guest/lib/sdei_entry.S tests/guest/lib/sdei.c
guest_payloads := $(patsubst tests/guest/%.c,$(BUILD)/tests/guest/%,$(payload_src))
payload_flags := -std=gnu11 -O2 -g1 -Wall -Wextra -Werror -Wno-unused-parameter -iquote . -I tests/guest/lib \
	-ffreestanding -fno-stack-protector -mgeneral-regs-only -mstrict-align -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -mbranch-protection=none -mno-outline-atomics -fpie -fvisibility=hidden \
	-nostdlib -static -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,notext -Wl,--build-id=none \
	-Wl,--no-warn-rwx-segments -Wl,-T,tests/guest/lib/link.lds

$(BUILD)/tests/guest/%.elf: tests/guest/%.c $(payload_lib) tests/guest/lib/lib.h tests/guest/lib/frame.h tests/guest/lib/vectors.h tests/guest/lib/link.lds
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(payload_flags) -o $@ $(filter %.c %.S,$^)

# At virtual EL2, with lists of registers and traps made from tables/.
$(BUILD)/tests/guest/el2_%.elf: tests/guest/el2_%.c $(payload_lib) tests/guest/lib/el2.c tests/guest/lib/el2_entry.S tests/guest/lib/lib.h tests/guest/lib/frame.h \
		tests/guest/lib/el2.h tests/guest/lib/el2_regs.h tests/guest/lib/vectors.h tests/guest/lib/link.lds $(wildcard $(GEN)/*.h)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(payload_flags) -I $(GEN) -o $@ $(filter %.c %.S,$^)

$(guest_payloads): $(BUILD)/tests/guest/%: $(BUILD)/tests/guest/%.elf
	$(Q)$(OBJCOPY) -O binary $< $@

.PHONY: guest-payloads
guest-payloads: $(guest_payloads)
