# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make fuzz                     each target for FUZZ_SECONDS (60), from build/fuzz/corpus on
# make fuzz FUZZ_TARGETS=engine FUZZ_SECONDS=3600
#
# What is found stays in build/fuzz/corpus, a crasher in build/fuzz/crashes. tests/fuzz/TARGET.dict is
# a target's dictionary, if there is one.

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= engine attack samples config capture http
FUZZ_DIR     := $(BUILD)/fuzz
# One of these for every file, so that libFuzzer sees the coverage of the code under test.
fuzzflags    := -g -O1 -std=gnu11 -fno-omit-frame-pointer -fno-sanitize-recover=undefined \
	-Wall -Wextra $(werror)
fuzzcompile   = $(CLANG) $(generated) $(cppflags) $(CPPFLAGS) $(fuzzflags) $(written)
FUZZ_ENV     := ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1

fuzz_objects  := $(patsubst src/%.c,$(FUZZ_DIR)/src/%.o,$(filter-out src/main.c,$(sources)))
fuzz_programs := $(FUZZ_TARGETS:%=$(FUZZ_DIR)/fuzz_%)

.PHONY: fuzz fuzz-build $(FUZZ_TARGETS:%=fuzz-run-%)

fuzz-build: $(fuzz_programs)

fuzz: need-fuzz $(FUZZ_TARGETS:%=fuzz-run-%)

# Crashers are named by libFuzzer; a run that fails says how to see it again.
$(FUZZ_TARGETS:%=fuzz-run-%): fuzz-run-%: $(FUZZ_DIR)/fuzz_% $(FUZZ_DIR)/seeds
	$(call say,FUZZ,$* for $(FUZZ_SECONDS) s)
	$(Q)mkdir -p $(FUZZ_DIR)/crashes $(FUZZ_DIR)/corpus/$*
	$(Q)$(FUZZ_ENV) $< -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=1024 -max_len=8192 \
		$(addprefix -dict=,$(wildcard tests/fuzz/$*.dict)) \
		-print_final_stats=1 -verbosity=0 -artifact_prefix=$(FUZZ_DIR)/crashes/$*- \
		$(FUZZ_DIR)/corpus/$* 2>$(FUZZ_DIR)/$*.log; status=$$?; \
	if [ $$status -ne 0 ]; then \
		tail -n 60 $(FUZZ_DIR)/$*.log; \
		crasher=$$(ls -t $(FUZZ_DIR)/crashes/$*-* 2>/dev/null | head -n 1); \
		echo "fuzz_$* ended with status $$status. To see it again:" >&2; \
		echo "  $(FUZZ_ENV) METRO_TELL=1 $< $$crasher" >&2; \
		exit 1; \
	fi; \
	grep -h 'number_of_executed_units' $(FUZZ_DIR)/$*.log || true

$(FUZZ_DIR)/seeds: tests/fuzz/seeds.py tests/tools/wrap_capture.py $(wildcard tests/fuzz/config/*.yaml tests/data/config/*.yaml)
	$(call say,SEEDS,$(FUZZ_DIR)/corpus)
	$(Q)mkdir -p $(FUZZ_DIR)
	$(Q)python3 tests/fuzz/seeds.py $(FUZZ_DIR)/corpus
	$(Q)touch $@

$(FUZZ_DIR)/src/report/page_parts.o: $(page)

$(FUZZ_DIR)/src/%.o: src/%.c $(BUILD)/flags | $(made_headers)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(fuzzcompile) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

# An archive: a target takes only what it uses, and fuzz_engine brings its own flow_table.c.
$(FUZZ_DIR)/metro.a: $(fuzz_objects)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(FUZZ_DIR)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_DIR)/metro.a $(BUILD)/flags
	$(call say,LINK,$@)
	$(Q)$(fuzzcompile) -fsanitize=fuzzer,address,undefined -o $@ $< $(FUZZ_DIR)/metro.a \
		$(LDFLAGS) $(ldlibs) $(LDLIBS)

-include $(wildcard $(FUZZ_DIR)/*.d $(FUZZ_DIR)/src/*.d $(FUZZ_DIR)/src/*/*.d)
