# make demo    routers and a client on one network: failover as it happens
# make demo-config   the configuration reader at work
# make test    everything that must hold before a change goes in
# make bench   what a configuration test, failover and a large balancer cost, beside keepalived's
# make soak    faults at random for SOAK_MINUTES, with SOAK_SEED
# make lint    formatting, clippy, and cargo-deny where it is installed
# make fuzz    the property tests with CASES inputs each
# make docs    docs/COMPATIBILITY.md anew from the keyword tables
# make deb     a Debian package in target/package; make rpm does the same for RPM
# make package-test   installs the Debian package over keepalived's in a scratch root, upgrades it, and goes back
#
# Each target installs the Debian packages it lacks. Rust itself (rustc, cargo, rustfmt and clippy, as of rust-version in
# Cargo.toml) is up to you.

CARGO ?= cargo
CASES ?= 20000
SOAK_MINUTES ?= 10
SOAK_SEED ?= 1
STANDFAST := target/debug/standfast
BUILD_PACKAGES := gcc libc6-dev make pkg-config
# What works in network namespaces needs these, and root. Certificates are made with openssl.
NETNS_PACKAGES := keepalived frr iproute2 nftables openssl util-linux dbus-daemon dbus-bin libglib2.0-bin snmp snmpd snmptrapd
# And what works with IPVS, a kernel that has it.
UML_PACKAGES := user-mode-linux ipvsadm keepalived kmod nginx-light snmp snmpd
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E)
# cargo as ourselves, and what it runs as root. Tests in namespaces wait more than they work.
NETNS_CARGO = RUST_TEST_THREADS=4 $(CARGO) $(if $(AS_ROOT),--config "target.'cfg(all())'.runner = '$(AS_ROOT)'")

.PHONY: demo demo-config test bench soak lint fuzz docs build release deb rpm package-test fmt-check clippy \
	packages-build packages-netns packages-uml

# $(call need,PACKAGES) installs those that are missing.
define need
@missing=; for package in $(1); do \
	[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || missing="$$missing $$package"; \
done; \
[ -z "$$missing" ] || { \
	command -v apt-get >/dev/null || { echo "please install:$$missing"; exit 1; }; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	echo "installing:$$missing"; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
}
endef

# $(call show,COMMAND,TEST) prints the command as one would type it, runs it and tells its status, which must be TEST.
define show
@echo; echo '$$ $(subst $(STANDFAST),standfast,$(1))'; $(1); status=$$?; echo "(exit status $$status)"; [ $$status $(2) ]
endef

# What the demo shows of a long answer.
FIRST_MESSAGE := head -n 12
FIRST_SERVER := sed -n "/^virtual_server/,/^    }/p"

demo: packages-netns build
	$(CARGO) build --example demo
	$(AS_ROOT) target/debug/examples/demo $(STANDFAST)

demo-config: build
	$(call show,$(STANDFAST) -t -f examples/lvs-tun.conf,= 0)
	$(call show,$(STANDFAST) check tests/config/broken.conf,= 5)
	$(call show,$(STANDFAST) check tests/config/broken.conf --json | $(FIRST_MESSAGE),= 0)
	$(call show,$(STANDFAST) dump examples/lvs-tun.conf | $(FIRST_SERVER),= 0)

test: packages-netns packages-uml fmt-check clippy
	$(NETNS_CARGO) test

bench: packages-netns packages-uml release
	$(CARGO) bench --bench config
	$(NETNS_CARGO) bench --bench vrrp
	$(NETNS_CARGO) bench --bench lvs

soak: packages-netns release
	SOAK_MINUTES=$(SOAK_MINUTES) SOAK_SEED=$(SOAK_SEED) $(NETNS_CARGO) test --release --test soak -- --ignored --nocapture
	SOAK_MINUTES=$(SOAK_MINUTES) $(NETNS_CARGO) test --release --test netns -- --ignored --nocapture bfd:: traces::

lint: packages-build fmt-check clippy
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check; \
	else echo 'cargo-deny is not installed (cargo install --locked cargo-deny): licences and advisories were not checked'; fi

fuzz: packages-build
	PROPTEST_CASES=$(CASES) $(CARGO) test --release --lib --test config --test wire

docs: build
	$(STANDFAST) compatibility >target/COMPATIBILITY.md
	mv target/COMPATIBILITY.md docs/COMPATIBILITY.md

fmt-check:
	$(CARGO) fmt --all --check

clippy: packages-build
	$(CARGO) clippy --all-targets -- -D warnings

build: packages-build
	$(CARGO) build

# Under the name keepalived it stands in for keepalived.
release: packages-build
	$(CARGO) build --release
	ln -sfn standfast target/release/keepalived

deb: release
	packaging/deb/build target/release/standfast target/package

rpm: release
	$(call need,rpm)
	packaging/rpm/build target/release/standfast target/package

package-test: deb packages-netns
	$(call need,groff man-db)
	$(AS_ROOT) packaging/test $$(ls -t target/package/standfast_*.deb | head -n 1)

packages-build:
	$(call need,$(BUILD_PACKAGES))

packages-netns:
	$(call need,$(BUILD_PACKAGES) $(NETNS_PACKAGES))

packages-uml:
	$(call need,$(UML_PACKAGES))
