# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The programs that tests, the demo and benchmarks use, the unit tests, and what runs them all. The head
# of the Makefile says what each target is for.

library   := $(filter-out $(BUILD)/src/main.o,$(objects))
# A tool is a file, or a directory of them.
filetools := $(patsubst tests/tools/%.c,$(BUILD)/%,$(wildcard tests/tools/*.c))
dirtools  := $(patsubst tests/tools/%/,$(BUILD)/%,$(sort $(dir $(wildcard tests/tools/*/*.c))))
toolparts := $(patsubst tests/%.c,$(BUILD)/%.o,$(wildcard tests/tools/*/*.c))
unittests := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: tools unit-tests demo check check-image check-kernels check-roots check-systemd unit asan bench check-oracle

# ---- tools
tools: $(filetools) $(dirtools)

$(BUILD)/%: tests/tools/%.c $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(program) -o $@ $<

# Each is linked from all that its directory has.
$(foreach tool,$(dirtools),$(eval $(tool): $(filter $(BUILD)/tools/$(notdir $(tool))/%,$(toolparts))))
$(dirtools):
	$(call say,TOOL,$@)
	$(Q)$(link) -o $@ $^

$(BUILD)/tools/%.o: tests/tools/%.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(compile) -c -o $@ $<

# These drive the programs that the daemon loads.
$(BUILD)/replay $(BUILD)/many_cpus $(BUILD)/paced $(BUILD)/two_cpus $(BUILD)/slots: $(BUILD)/%: tests/tools/%.c $(library) $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)$(program) -o $@ $< $(library) $(ldlibs) $(LDLIBS)

# And this one feeds those of a daemon that runs.
$(BUILD)/sample_feed: tests/tools/sample_feed.c $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)$(program) -o $@ $< -lbpf -lelf -lz $(LDLIBS)

# ---- unit tests
unit-tests: $(unittests)

$(BUILD)/unit/%: tests/unit/%.c $(library) $(BUILD)/flags
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(program) -o $@ $< $(library) -lcmocka $(ldlibs) $(LDLIBS)

# ---- the kernel's part of `make bench`
# The programs of bpf/ with others around them, under the skeleton's name: what loads and feeds them
# for the daemon is compiled against that.
$(BUILD)/bench/metro.bpf.o: tests/bench/kernel.bpf.c $(BUILD)/metro.bpf.o
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(compilebpf) -c -o $@ $<

$(BUILD)/bench/metro.skel.h: $(BUILD)/bench/metro.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name metro > $@

bench_sources := tests/bench/kernel.c $(filter %/bpf_programs.c %/bpf_peers.c,$(sources))

# Of this the linker takes what it needs, and so not what was compiled against the other skeleton.
$(BUILD)/libmetro.a: $(library)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# Private: not for the objects that it is linked from.
$(BUILD)/kernel_bench: private generated = -isystem $(BUILD)/bench
$(BUILD)/kernel_bench: private written =
$(BUILD)/kernel_bench: $(bench_sources) $(BUILD)/bench/metro.skel.h $(BUILD)/libmetro.a $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)$(program) -o $@ $(bench_sources) $(BUILD)/libmetro.a $(ldlibs) $(LDLIBS)

# ---- what people run
# These two commands of the README install what they need. This make may have started without bpftool and the
# like, so one of its own builds.
build = $(Q)+$(MAKE) --no-print-directory

demo:
	$(need) --install demo
	$(build) all tools
	$(give_back)
	$(Q)BUILD=$(BUILD) tests/demo.sh

check:
	$(need) --install check
	$(Q)[ "$$(id -u)" != 0 ] || tests/servers.sh $(BUILD)
	$(build) all tools unit-tests
	$(give_back)
	$(Q)BUILD=$(BUILD) tests/run.sh tree unit e2e

check-kernels:
	$(need) --install kernels
	$(build) all tools
	$(give_back)
	$(Q)BUILD=$(BUILD) tests/kernels.sh $(KERNELS)
	$(give_back)

check-image: need-image all tools
	$(give_back)
	$(Q)BUILD=$(BUILD) tests/run.sh image

unit: need-unit unit-tests
	$(Q)BUILD=$(BUILD) tests/run.sh tree unit

# As the C library does, sanitizers let a test see an allocation that cannot be.
asan: export ASAN_OPTIONS := allocator_may_return_null=1:$(ASAN_OPTIONS)
asan: need-asan
	$(build) BUILD=$(BUILD)/asan SANITIZE=address,undefined all tools unit

bench: need-bench all tools $(BUILD)/kernel_bench
	$(give_back)
	$(Q)BUILD=$(BUILD) python3 tests/bench/run.py $(BENCH)

check-systemd:
	$(need) --install check-systemd
	$(build) all tools
	$(give_back)
	$(Q)METRO_TEST_SECONDS=600 METRO_PART_SECONDS=540 BUILD=$(BUILD) tests/run.sh systemd

# Each root has compilers and a build of its own.
check-roots:
	$(need) --install roots
	$(Q)BUILD=$(BUILD) tests/roots.sh
	$(give_back)

check-oracle: all
	$(Q)python3 tests/oracle.py --binary $(BUILD)/bpf-metro --least 100
	$(Q)python3 tests/oracle.py --binary $(BUILD)/bpf-metro --marks 32 --least 98.1

-include $(wildcard $(filetools:=.d) $(toolparts:.o=.d) $(unittests:=.d))
