# SPDX-License-Identifier: GPL-2.0-only
# bench/: the mini VMM, savevm and switch (static, also Linux/KVM programs), and the payload.
bench_programs := $(BUILD)/bench/minivmm $(BUILD)/bench/savevm $(BUILD)/bench/switch $(BUILD)/bench/payload

$(BUILD)/bench/minivmm $(BUILD)/bench/savevm $(BUILD)/bench/switch: $(BUILD)/bench/%: bench/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(user_flags) $(user_inc) -MMD -MF $@.d -o $@ $< -lpthread

$(BUILD)/bench/payload.elf: bench/payload.c $(payload_lib) tests/guest/lib/lib.h tests/guest/lib/sdei.h tests/guest/lib/link.lds
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(payload_flags) -o $@ $(filter %.c %.S,$^)

$(BUILD)/bench/payload: $(BUILD)/bench/payload.elf
	$(Q)$(OBJCOPY) -O binary $< $@

.PHONY: bench-programs
bench-programs: $(bench_programs)
