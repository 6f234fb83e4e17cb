# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make            build/bpf-metro and the tools that tests and the demo use
# make demo       two network namespaces, real traffic, and its round-trip times (as root)
# make check      all tests (as root)
# make unit       the unit tests alone (as anyone)
# make check-oracle  compare with the reference outside the repository, if it is there
# make bench      what it costs, as one table and build/bench.json (as root; BENCH_SECONDS scales it)
# make asan       build with sanitizers, run the unit tests under them
# make fuzz       five fuzzers, each for FUZZ_SECONDS (60)
# make deps       install what is missing (Debian, Ubuntu)
# make install    DESTDIR and PREFIX are honoured
# make format     clang-format over all sources
# make clean
#
# V=1 shows the commands. CC=clang builds with clang.

VERSION := 0.1.0
PREFIX  ?= /usr/local
BUILD   ?= build
CC      ?= cc
CLANG   ?= clang
V       ?= 0

# Ubuntu hides bpftool in a directory named for the kernel, behind a wrapper that may not find it.
BPFTOOL ?= $(shell for b in bpftool /usr/sbin/bpftool /usr/lib/linux-tools/*/bpftool \
	/usr/lib/linux-tools-*/bpftool; do $$b version >/dev/null 2>&1 && echo $$b && break; done)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat-security \
	-Wundef -Wpointer-arith -Werror
SANITIZE ?=
OPTIMIZE ?= $(if $(SANITIZE),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
	-fno-sanitize-recover=undefined,-O2)
HARDEN   := -fstack-protector-strong -fPIE
rooms     := src $(patsubst %/,%,$(sort $(dir $(wildcard src/*/*.h))))
CPPFLAGS += -D_GNU_SOURCE -DMETRO_VERSION='"$(VERSION)"' -Iinclude $(addprefix -I,$(rooms)) -isystem $(BUILD)
CFLAGS   ?= -g
override CFLAGS += -std=gnu11 $(OPTIMIZE) $(HARDEN) $(WARNINGS) -MD -MP
override LDFLAGS += -pie -Wl,-z,relro,-z,now $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LDLIBS   := -lbpf -lelf -lz -lyaml -lpcap -lm -lpthread

sources   := $(wildcard src/*.c src/*/*.c)
objects   := $(sources:src/%.c=$(BUILD)/src/%.o)
library   := $(filter-out $(BUILD)/src/main.o,$(objects))
# A tool is a file, or a directory of them.
filetools := $(patsubst tests/tools/%.c,$(BUILD)/%,$(wildcard tests/tools/*.c))
dirtools  := $(patsubst tests/tools/%/,$(BUILD)/%,$(sort $(dir $(wildcard tests/tools/*/*.c))))
toolparts := $(patsubst tests/%.c,$(BUILD)/%.o,$(wildcard tests/tools/*/*.c))
tools     := $(filetools) $(dirtools)
unittests := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all tools demo check check-oracle bench unit unit-tests asan deps install format format-check clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/bpf-metro tools

tools: $(tools)

$(BUILD)/bpf-metro: $(objects)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/src/%.o: src/%.c $(BUILD)/flags | $(BUILD)/metro.skel.h
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# ---- BPF: -mcpu=v2 is what Linux 5.10 accepts everywhere; -g gives the BTF of the maps
$(BUILD)/metro.bpf.o: bpf/metro.bpf.c $(BUILD)/flags
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -mcpu=v2 -g -O2 -Wall -Wextra -Werror -MD -MP \
		-Ivmlinux -Iinclude -Ibpf -c -o $@ $<

$(BUILD)/metro.skel.h: $(BUILD)/metro.bpf.o
	$(call say,SKEL,$@)
	$(if $(BPFTOOL),,$(error no bpftool found: `make deps` installs it))
	$(Q)$(BPFTOOL) gen skeleton $< name metro > $@

# ---- tools and unit tests
$(BUILD)/%: tests/tools/%.c $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

# Each is linked from all that its directory has.
$(foreach tool,$(dirtools),$(eval $(tool): $(filter $(BUILD)/tools/$(notdir $(tool))/%,$(toolparts))))
$(dirtools):
	$(call say,TOOL,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/tools/%.o: tests/tools/%.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# These drive the programs that the daemon loads.
$(BUILD)/replay $(BUILD)/many_cpus $(BUILD)/paced: $(BUILD)/%: tests/tools/%.c $(library) $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(library) $(LDLIBS)

# And this one feeds those of a daemon that runs.
$(BUILD)/sample_feed: tests/tools/sample_feed.c $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lbpf -lelf -lz

# The programs of bpf/ with others around them, under the skeleton's name: what loads and feeds them
# for the daemon is compiled against that.
$(BUILD)/bench/metro.bpf.o: tests/bench/kernel.bpf.c $(BUILD)/metro.bpf.o
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -mcpu=v2 -g -O2 -Wall -Wextra -Werror \
		-Ivmlinux -Iinclude -Ibpf -c -o $@ $<

$(BUILD)/bench/metro.skel.h: $(BUILD)/bench/metro.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name metro > $@

bench_sources := tests/bench/kernel.c src/backend/bpf_programs.c src/backend/bpf_peers.c

# Of this the linker takes what it needs, and so not what was compiled against the other skeleton.
$(BUILD)/libmetro.a: $(library)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/kernel_bench: $(bench_sources) $(BUILD)/bench/metro.skel.h $(BUILD)/libmetro.a $(BUILD)/flags
	$(call say,TOOL,$@)
	$(Q)$(CC) -isystem $(BUILD)/bench $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ \
		$(bench_sources) $(BUILD)/libmetro.a $(LDLIBS)

$(BUILD)/unit/%: tests/unit/%.c $(library) $(BUILD)/flags
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(library) -lcmocka $(LDLIBS)

# What was built with other flags is built again.
flags := $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(flags))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(flags))' > $@

unit-tests: $(unittests)

# ---- what people run
deps:
	$(Q)packaging/install-deps.sh $(BUILD)

# What sudo built belongs to who called it, or the next make without sudo would fail.
give_back = $(Q)[ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" $(BUILD)

# The packages may be missing when make starts: what follows is a make of its own.
demo: deps
	$(Q)$(MAKE) --no-print-directory all
	$(give_back)
	$(Q)BUILD=$(BUILD) tests/demo.sh

check: deps
	$(Q)$(MAKE) --no-print-directory all unit-tests
	$(give_back)
	$(Q)BUILD=$(BUILD) tests/run.sh tree unit e2e

unit: unit-tests
	$(Q)BUILD=$(BUILD) tests/run.sh tree unit

check-oracle: all
	$(Q)python3 tests/oracle.py --binary $(BUILD)/bpf-metro --least 100
	$(Q)python3 tests/oracle.py --binary $(BUILD)/bpf-metro --marks 32 --least 98.1

bench: deps
	$(Q)$(MAKE) --no-print-directory all $(BUILD)/kernel_bench
	$(give_back)
	$(Q)BUILD=$(BUILD) python3 tests/bench/run.py

asan:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined all unit

install: all
	install -D -m 0755 $(BUILD)/bpf-metro $(DESTDIR)$(PREFIX)/sbin/bpf-metro
	install -D -m 0644 packaging/bpf-metro.yaml \
		$(DESTDIR)$(PREFIX)/share/doc/bpf-metro/bpf-metro.yaml
	install -d $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local|$(PREFIX)|' docs/bpf-metro.8 \
		> $(DESTDIR)$(PREFIX)/share/man/man8/bpf-metro.8
	sed 's|/usr/local|$(PREFIX)|' packaging/bpf-metro.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/bpf-metro.service

format_sources := $(wildcard bpf/*.[ch] include/*.h src/*.[ch] src/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch] \
	vmlinux/*.h)

format:
	$(Q)clang-format -i $(format_sources)

format-check:
	$(Q)clang-format --dry-run -Werror $(format_sources)

clean:
	$(Q)rm -rf $(BUILD)

include tests/fuzz/fuzz.mk

-include $(wildcard $(BUILD)/metro.bpf.d $(filetools:=.d) $(toolparts:.o=.d) $(objects:.o=.d) \
	$(unittests:=.d))
