# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make               build/bpf-metro
# make install       it, man pages, service, completion and a sample, below DESTDIR and PREFIX; and a
#                    configuration to start from in DESTDIR/etc, unless there is one
# make uninstall     takes away what install put there, but a configuration that was changed
# make deps          install what all targets need and is missing (as root; Debian, Ubuntu)
# make demo          two network namespaces, real traffic, and its round-trip times (as root)
# make check         all tests (as root)
# make check-kernels tests in other kernels, under QEMU (as root); KERNELS="--quick 5.10" chooses
# make check-image   the container image, built and run by engines of Debian (as root; needs Debian's mirror)
# make unit          the unit tests alone (as anyone)
# make asan          the unit tests, built with sanitizers
# make fuzz          six fuzzers, each for FUZZ_SECONDS (60); FUZZ_TARGETS chooses among them
# make bench         what it costs, as tables and build/bench.json (as root; BENCH_SECONDS scales it);
#                    BENCH="live peers" runs these parts of it
# make check-systemd the service under a systemd that boots in a container (as root)
# make check-roots   builds and tests in clean Debian roots: two releases, two compilers, arm64 (as root)
# make check-oracle  compare with the reference outside the repository, if it is there
# make dist          build/bpf-metro-VERSION.tar.gz, the same bytes wherever it is made
# make deb           Debian packages of it in build/deb; deb-source makes the source package alone
# make rpm           packages for Fedora, RHEL and openSUSE, source and binary
# make check-dist    tests of all these: check-dist, check-deb (in clean roots, as root), check-rpm; and
#                    check-kubernetes and check-dashboards, of what is in packaging for these
# make format        clang-format over all sources; format-check only looks
# make clean
#
# demo, check and check-kernels, as root on Debian or Ubuntu, install what they need; the others say what is missing.
#
# CC CPPFLAGS CFLAGS LDFLAGS LDLIBS   yours, set here or in the environment: they come after ours and win
# WERROR=1                            warnings are errors
# V=1                                 show the commands
# BUILD=DIRECTORY                     build there; one for each compiler or set of flags saves rebuilding
# CLANG BPFTOOL                       what compiles the BPF programs, and what makes a header of them

VERSION := 0.1.0+dev
PREFIX  ?= /usr/local
BUILD   ?= build
CC      ?= cc
CLANG   ?= clang
V       ?= 0
WERROR  ?= 0

# Ubuntu hides bpftool in a directory named for the kernel, behind a wrapper that may not find it.
BPFTOOL := $(or $(BPFTOOL),$(shell for b in bpftool /usr/sbin/bpftool /usr/lib/linux-tools/*/bpftool \
	/usr/lib/linux-tools-*/bpftool; do $$b version >/dev/null 2>&1 && echo $$b && break; done))

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

# ---- flags: ours in small letters, yours in capitals
SANITIZE ?=

rooms     := src $(patsubst %/,%,$(sort $(dir $(wildcard src/*/*.h))))
werror    := $(if $(filter 1,$(WERROR)),-Werror)
warnings  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat-security \
	-Wundef -Wpointer-arith $(werror)
optimize  := $(if $(SANITIZE),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
	-fno-sanitize-recover=undefined,-O2)
# It needs optimization, hinders sanitizers, and many distributions set it themselves.
macros    := $(shell $(CC) $(CPPFLAGS) $(optimize) $(CFLAGS) -dM -E -xc /dev/null 2>/dev/null)
fortify   := $(if $(filter -fsanitize=%,$(optimize) $(CFLAGS))$(filter _FORTIFY_SOURCE,$(macros)),, \
	$(if $(filter __OPTIMIZE__,$(macros)),-D_FORTIFY_SOURCE=2))
# What Linux 5.10 accepts everywhere.
bpfcpu    := v2
cppflags  := -D_GNU_SOURCE -DMETRO_VERSION='"$(VERSION)"' -DMETRO_BPF_CPU='"$(bpfcpu)"' -Iinclude \
	$(addprefix -I,$(rooms))
# Where it was built is no part of what was built: the same source gives the same bytes.
nowhere   := -ffile-prefix-map=$(CURDIR)=.
cflags    := -std=gnu11 -g $(optimize) $(fortify) -fstack-protector-strong -fPIE $(nowhere) $(warnings)
ldflags   := -pie -Wl,-z,relro,-z,now
ldlibs    := -lbpf -lelf -lz -lyaml -lpcap -lseccomp -lmicrohttpd -lncursesw -ltinfo -lm -lpthread
# -g gives the BTF of the maps.
bpfflags  := -target bpf -mcpu=$(bpfcpu) -g -O2 $(nowhere) -Wall -Wextra $(werror) -Ivmlinux -Iinclude -Ibpf

# What was built with other flags is built again.
flags     := $(strip $(CC) $(cppflags) $(CPPFLAGS) $(cflags) $(CFLAGS) $(ldflags) $(LDFLAGS) $(LDLIBS) \
	$(CLANG) $(bpfflags))
written    = -MD -MP # which headers each was built from
generated  = -isystem $(BUILD)

compile    = $(CC) $(generated) $(cppflags) $(CPPFLAGS) $(cflags) $(CFLAGS) $(written)
link       = $(CC) $(cflags) $(CFLAGS) $(ldflags) $(LDFLAGS)
# A program of one file, with what it is linked to: $(program) -o NAME FILE LIBRARIES
program    = $(compile) $(ldflags) $(LDFLAGS)
compilebpf = $(CLANG) $(bpfflags)

sources   := $(sort $(wildcard src/*.c src/*/*.c))
objects   := $(sources:src/%.c=$(BUILD)/src/%.o)

.PHONY: all help install uninstall deps format format-check clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/bpf-metro

$(BUILD)/bpf-metro: $(objects)
	$(call say,LINK,$@)
	$(Q)$(link) -o $@ $^ $(ldlibs) $(LDLIBS)

# What the build makes itself and objects include: it has to be there before the first of them, and which
# object needs it is known from then on.
made_headers := $(BUILD)/metro.skel.h $(BUILD)/page_hashes.h

$(BUILD)/src/%.o: src/%.c $(BUILD)/flags | $(made_headers)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(compile) -c -o $@ $<

# What the page of --output html is made of, and what its policy lets run.
page      := $(addprefix src/report/page.,html css js)

$(BUILD)/src/report/page_parts.o: $(page)

# "sha256-" and the sum in base64, as Content-Security-Policy has it, with what every shell has.
octets     = sha256sum $(1) | cut -c 1-64 | sed 's/../0x& /g'
source     = sha256-$$(for octet in $$($(call octets,$(1))); do printf %b "\\0$$(printf %o $$octet)"; done | base64)

$(BUILD)/page_hashes.h: $(page)
	$(call say,HASHES,$@)
	$(Q)mkdir -p $(@D)
	$(Q)printf '#define PAGE_%s_HASH "%s"\n' SCRIPT "$(call source,src/report/page.js)" \
		STYLE "$(call source,src/report/page.css)" > $@

$(BUILD)/metro.bpf.o: bpf/metro.bpf.c $(BUILD)/flags
	$(call say,BPF,$<)
	$(need) build || :
	$(Q)mkdir -p $(@D)
	$(Q)$(compilebpf) $(written) -c -o $@ $<

$(BUILD)/metro.skel.h: $(BUILD)/metro.bpf.o
	$(call say,SKEL,$@)
	$(if $(BPFTOOL),,$(error no bpftool found: `make deps` installs it))
	$(Q)$(BPFTOOL) gen skeleton $< name metro > $@

$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(flags))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(flags))' > $@

# ---- install
# FROM:TO, below PREFIX. The texts name the paths of where they are installed.
installed_texts := \
	docs/bpf-metro.8:share/man/man8/bpf-metro.8 \
	docs/bpf-metro.yaml.5:share/man/man5/bpf-metro.yaml.5 \
	packaging/bpf-metro.yaml:share/doc/bpf-metro/bpf-metro.yaml \
	packaging/bash-completion:share/bash-completion/completions/bpf-metro \
	packaging/bpf-metro.service:lib/systemd/system/bpf-metro.service \
	packaging/bpf-metro.sysusers:lib/sysusers.d/bpf-metro.conf \
	$(foreach file,$(sort $(wildcard $(addprefix packaging/,grafana/*.json prometheus/*.yml datadog/*))), \
		$(file):share/bpf-metro/$(file:packaging/%=%))
installed_program = $(DESTDIR)$(PREFIX)/sbin/bpf-metro
# Directories of ours alone, from within.
installed_own     = $(addprefix $(DESTDIR)$(PREFIX)/share/,doc/bpf-metro \
	$(addprefix bpf-metro/,grafana prometheus datadog) bpf-metro)
# The daemon looks for it there, whatever PREFIX is.
installed_config  = $(DESTDIR)/etc/bpf-metro/bpf-metro.yaml

from  = $(firstword $(subst :, ,$(1)))
to    = $(DESTDIR)$(PREFIX)/$(lastword $(subst :, ,$(1)))
moved = sed 's|/usr/local|$(PREFIX)|g'

define install_text
install -D -m 0644 $(from) $(to)
$(moved) $(from) > $(to)

endef

# A configuration that is there already stays.
install: all
	install -D -m 0755 $(BUILD)/bpf-metro $(installed_program)
	$(foreach text,$(installed_texts),$(call install_text,$(text)))
	[ -e $(installed_config) ] || { install -D -m 0644 packaging/etc.yaml $(installed_config) && \
		$(moved) packaging/etc.yaml > $(installed_config); }
	$(give_back)

# As does one that somebody has changed.
uninstall:
	rm -f $(installed_program) $(foreach text,$(installed_texts),$(call to,$(text)))
	for own in $(installed_own); do [ ! -d $$own ] || rmdir --ignore-fail-on-non-empty $$own; done
	[ ! -e $(installed_config) ] || ! $(moved) packaging/etc.yaml | cmp -s - $(installed_config) || \
		{ rm -f $(installed_config) && rmdir --ignore-fail-on-non-empty $(dir $(installed_config)); }

# ---- what people run
help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# need [--install] TARGET...: is everything here that these need? It says what is not.
need = $(Q)BPFTOOL='$(BPFTOOL)' packaging/deps.sh

needs := $(addprefix need-,build unit asan bench fuzz format image deb packages rpm check-rpm check-kubernetes \
	check-dashboards)
.PHONY: $(needs)
$(needs): need-%:
	$(need) $*

# What sudo built belongs to who called it, or the next make without sudo would fail.
give_back = $(Q)[ -z "$$SUDO_UID" ] || find $(BUILD) -path '$(BUILD)/roots/root-*' -prune -o \
	-exec chown -h "$$SUDO_UID:$$SUDO_GID" {} +

deps:
	$(need) --install build demo unit check browser bench asan fuzz roots image packages check-rpm check-kubernetes check-dashboards
	$(Q)tests/servers.sh $(BUILD)
	$(give_back)

format_sources := $(wildcard bpf/*.[ch] include/*.h src/*.[ch] src/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch] \
	vmlinux/*.h)

format: need-format
	$(Q)clang-format -i $(format_sources)

format-check: need-format
	$(Q)clang-format --dry-run -Werror $(format_sources)

clean:
	$(Q)rm -rf $(BUILD)

-include $(wildcard $(BUILD)/metro.bpf.d $(objects:.o=.d))
include packaging/release.mk tests/tests.mk tests/fuzz/fuzz.mk
