# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a release consists of, and packages that are made from it. The head of the Makefile says what each
# target is for.

.PHONY: dist deb deb-source rpm check-dist check-deb check-rpm check-kubernetes check-dashboards

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

# dpkg-buildpackage says what else it needs, and `apt-get build-dep build/deb/*.dsc` installs that.
deb: need-deb dist
	$(Q)packaging/deb.sh '$(VERSION)' $(BUILD)
	$(give_back)

deb-source: dist
	$(Q)packaging/deb.sh --source '$(VERSION)' $(BUILD)
	$(give_back)

# In clean roots of Debian's releases, as root.
check-deb: need-packages deb-source tools
	$(Q)BUILD=$(BUILD) METRO_TEST_SECONDS=1200 tests/run.sh deb

# .. of this host's release, as root.
check-rpm: need-check-rpm rpm
	$(Q)BUILD=$(BUILD) tests/run.sh rpm

check-dist: need-build
	$(Q)BUILD=$(BUILD) tests/run.sh dist

check-kubernetes: need-check-kubernetes all
	$(Q)BUILD=$(BUILD) tests/run.sh kubernetes

# By the types of Grafana and Datadog, from npm.
check-dashboards: need-check-dashboards
	$(Q)BUILD=$(BUILD) tests/run.sh dashboards
