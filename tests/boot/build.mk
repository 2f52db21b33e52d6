# SPDX-License-Identifier: GPL-2.0-only
# Programs for the guests of the ring boot.
boot_bin := $(BUILD)/tests/boot/kexec

$(BUILD)/tests/boot/%: tests/boot/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(USERCC) $(user_flags) $(user_inc) -isystem $(FETCHED)/src/libfdt -o $@ $< $(fdt_c)

.PHONY: boot-programs
boot-programs: $(boot_bin)
