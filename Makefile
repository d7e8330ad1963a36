# Everything a newcomer and the CI need: `make demo`, `make test`, `make check`.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# RUNLEVEL=1: the packages' own services are not started; mailsync starts its throw-away ones itself.
APT := $(SUDO) env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get
JOBS ?= 2

.PHONY: help demo test test-long check format bench messages clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(VENV)/demo .apt-mail ## set up, then run the main job on throw-away servers (ARGS=--once ends by itself)
	@$(BIN)/mailsync demo $(ARGS)

test: $(VENV)/test .apt-mail .apt-postgres $(VENV)/cyrus ## set up, then run all tests
	$(BIN)/pytest -n $(JOBS) -m "not long"

test-long: $(VENV)/test .apt-mail .apt-postgres $(VENV)/cyrus ## the slow sweeps too
	$(BIN)/pytest -n $(JOBS)

check: $(VENV)/test ## format, lint, types, architecture
	$(BIN)/ruff format --check mailsync tests
	$(BIN)/ruff check mailsync tests
	$(BIN)/mypy
	$(BIN)/pytest tests/test_architecture.py

format: $(VENV)/test ## put the code in form
	$(BIN)/ruff format mailsync tests
	$(BIN)/ruff check --fix mailsync tests

bench: $(VENV)/test .apt-mail ## measure speed on real servers
	$(BIN)/python tests/benchmarks/bench_read.py
	$(BIN)/python -m tests.benchmarks.bench_registry
	$(BIN)/python -m tests.benchmarks.bench_upkeep
	$(BIN)/python -m tests.benchmarks.bench_attribution
	$(BIN)/python -m tests.benchmarks.bench_filing
	$(BIN)/python -m tests.benchmarks.bench_books
	$(BIN)/python -m tests.benchmarks.bench_books --server xandikos --changed 200

messages: $(VENV)/test ## bring new sentences into the Chinese catalogue, mailsync/locale/zh_CN.po
	@mkdir -p build
	$(BIN)/pybabel -q extract -k N_ --add-location=file --sort-by-file -o build/mailsync.pot mailsync
	$(BIN)/pybabel -q update -N -w 110 --omit-header --ignore-obsolete -l zh_CN -i build/mailsync.pot -o mailsync/locale/zh_CN.po

clean: ## remove what was set up here
	rm -rf $(VENV) build *.egg-info var

$(VENV)/bin/pip:
	@$(PYTHON) -m venv $(VENV) || { $(APT) update -qq && $(APT) install -y -qq python3-venv && $(PYTHON) -m venv --clear $(VENV); }

$(VENV)/demo: $(VENV)/bin/pip pyproject.toml config/constraints.txt
	$(BIN)/pip install -q --disable-pip-version-check -c config/constraints.txt -e '.[server]'
	@touch $@

$(VENV)/test: $(VENV)/bin/pip pyproject.toml config/constraints.txt
	$(BIN)/pip install -q --disable-pip-version-check -c config/constraints.txt -e '.[test]'
	@touch $@ $(VENV)/demo

# Cyrus cannot be installed beside Dovecot, so its packages, and the libraries it lacks here, are only unpacked.
$(VENV)/cyrus: $(VENV)/bin/pip
	@rm -rf $@.part && mkdir -p $@.part/debs && $(APT) update -qq
	@cd $@.part/debs && apt-get download -qq $$(apt-get -s --no-install-recommends install cyrus-imapd cyrus-caldav \
		| sed -n -E 's/^Inst ((cyrus-|lib)[^ ]*) .*/\1/p') 2>/dev/null
	@for deb in $@.part/debs/*.deb; do dpkg -x $$deb $@.part || exit 1; done
	@rm -rf $@.part/debs && mv $@.part $@

.PHONY: .apt-mail .apt-postgres
.apt-mail:
	@command -v dovecot >/dev/null || [ -x /usr/sbin/dovecot ] || { $(APT) update -qq && $(APT) install -y -qq dovecot-imapd openssl; }

.apt-postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { $(APT) update -qq && $(APT) install -y -qq postgresql; }
