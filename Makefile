# Everything a fresh machine needs: `make run` and `make test`. Ports and folder: make run DEMO=run/demo PORT=8000
PYTHON ?= python3
DEMO ?= run/demo
PORT ?= 8000
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run install venv-package system lint test bench bench-country storm kills fuzz faults wheelhouse catalogue clean

install: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=…)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { $(MAKE) --no-print-directory venv-package && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

venv-package:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; \
	else echo "The module venv is missing. As root: apt-get install python3-venv"; exit 1; fi

run: install
	$(BIN)/python -m deploy.demo --data $(DEMO) --port $(PORT)

# A real Chromium, poppler's pdfsig, strace and the Noto faces; as root they are installed, else it is said what is missing.
system:
	@missing=""; command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v pdfsig >/dev/null || missing="$$missing poppler-utils"; \
	PATH=$$PATH:/usr/sbin command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	command -v strace >/dev/null || missing="$$missing strace"; \
	ls /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf >/dev/null 2>&1 || missing="$$missing fonts-noto-core fonts-noto-mono"; \
	[ -z "$$missing" ] || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	else echo "Missing for the tests:$$missing. As root: apt-get install$$missing"; exit 1; fi

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m common.web.catalogue --check

# Every commit of every test waits for its disk, some hundred thousand times: in memory it waits for nothing. A process that
# is killed leaves what the kernel holds, so kill -9 means the same there; lost writes are the simulator's part.
MEMORY := /dev/shm
MEMORY_MB_MIN := 3000
TEMPROOT = $(shell [ "$$(df --output=avail -BM $(MEMORY) 2>/dev/null | tail -1 | tr -dc 0-9)" -ge $(MEMORY_MB_MIN) ] 2>/dev/null && echo $(MEMORY))

test: install system lint
	PYTEST_DEBUG_TEMPROOT=$(TEMPROOT) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

bench: install
	$(BIN)/python -m tests.bench

# A thousand machines at once, and one exchange after a million entries: up to an hour, and some ten gigabytes
bench-country: install
	$(BIN)/python -m tests.bench --only history country

# Long runs that accumulate: make storm SEEDS=1000:2000
storm: install
	$(BIN)/python -m tests.sim.storms $(SEEDS) --jobs $(JOBS)

# kill -9 at every system call of filing, export, import and exchange that changes something on a disk (make test takes a spread)
kills: install system
	POINTS=all PYTEST_DEBUG_TEMPROOT=$(TEMPROOT) $(BIN)/python -m pytest tests/processes/test_kill_calls.py -s -n $(JOBS)

# A door of TARGET (python -m tests.fuzz names them) under fire, guided by coverage: make fuzz TARGET=cms SECONDS=1800
fuzz: install
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(TARGET) --seconds $(or $(SECONDS),60)

# Our wheel and every wheel it needs, for machines like this one: what `central release pack` signs
wheelhouse: install
	rm -rf build
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --wheel-dir build/wheelhouse . pip

# The table of attacks and faults in tests/faults/README.md, with every test of it run
faults: install system
	$(BIN)/python -m tests.faults

catalogue: install
	$(BIN)/python -m common.web.catalogue

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
