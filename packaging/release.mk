# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a release consists of, and packages that are made from it. The head of the Makefile says what each
# target is for.

.PHONY: dist rpm

archive := $(BUILD)/bpf-metro-$(VERSION).tar.gz

# SOURCE_DATE_EPOCH may be set here or in the environment.
dist: export SOURCE_DATE_EPOCH := $(SOURCE_DATE_EPOCH)
dist:
	$(call say,DIST,$(archive))
	$(Q)packaging/dist.sh '$(VERSION)' $(BUILD)
	$(give_back)

rpm: need-rpm dist
	$(call say,RPM,$(BUILD)/rpm)
	$(Q)packaging/rpm.sh $(archive) $(BUILD)/rpm
	$(give_back)
