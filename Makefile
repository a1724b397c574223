# `make check` and `make test` set up all they need: a virtual environment, the locked dependencies, the package.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REAL := .venv-real
FRAMEWORKS := .venv-frameworks
REAL_STAMP := $(REAL)/.installed
BOM := .venv-bom
BOM_STAMP := $(BOM)/.installed
RELEASE := .venv-release
LITELLM := .venv-litellm
VLLM := .venv-vllm
ARGS ?=
.DEFAULT_GOAL := help

.PHONY: help check test test-all dist real real-load compatibility nightly-demo bench volume frameworks screenshots lint lock defects mutation hostile clean

help:
	@echo "make check [URL=https://host/v1] [ARGS='--model ID']   the conformance report"
	@echo "make test                                              the whole test-suite"
	@echo "make test-all [PYTHONS='python3.11 python3.12 …']       the same on each of these, in environments of their own"
	@echo "make dist                                              wheel, sdist and SBOM, from a clean environment"
	@echo "make real                                              the check on a real llama.cpp server"
	@echo "make real-load                                         load tests on a real llama.cpp server"
	@echo "make compatibility                                     docs/compatibility.md, from llama.cpp, LiteLLM and vLLM (4 GB, an hour)"
	@echo "make nightly-demo                                      two nights with a defect planted between, and their site"
	@echo "make bench                                             the load client's cost and truth, beside its peers"
	@echo "make volume [ARGS='--requests N …']                     100,000 verdicts, a million requests, 10,000 runs"
	@echo "make defects                                           every planted defect and legal variant, whole gate"
	@echo "make hostile [ARGS='GLOB ...']                         every hostile behaviour, against check and load"
	@echo "make frameworks                                        LangChain and LlamaIndex on the reference server"
	@echo "make screenshots                                       the README's pictures (needs Chromium)"
	@echo "make mutation                                          what each planted defect and legal variant is told by, as a table"
	@echo "make lint                                              ruff and mypy"
	@echo "make lock                                              pin the dependencies again"

$(STAMP): pyproject.toml requirements/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

check: $(STAMP)
	@$(BIN)/seatrial check $(URL) $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n 6 --dist worksteal -q $(ARGS)

PYTHONS ?= $(foreach minor,11 12 13 14,$(shell command -v python3.$(minor)))
test-all:
	@for python in $(PYTHONS); do \
		$$python -c 'pass' 2>/dev/null || { echo "$$python does not start"; continue; }; \
		$(MAKE) --no-print-directory test PYTHON=$$python VENV=.venv-$$(basename $$python) || exit 1; \
	done

$(BOM_STAMP): requirements/release.txt
	@test -x $(BOM)/bin/python || $(PYTHON) -m venv $(BOM)
	$(BOM)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/release.txt
	@touch $@

# The bill of materials is of what the wheel brings where it is installed by itself, at the locked versions.
dist: $(STAMP) $(BOM_STAMP)
	rm -rf dist $(RELEASE)
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/python -m venv --without-pip $(RELEASE)
	sed -n 's/^\([a-z].*==[^\\]*\)\\$$/\1/p' requirements/lock.txt > $(RELEASE)/versions.txt
	$(BIN)/python -m pip --python $(RELEASE)/bin/python install --quiet -c $(RELEASE)/versions.txt dist/*.whl
	cd $(RELEASE) && bin/python -P -m seatrial --version
	$(BOM)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json $(RELEASE)
	@cd dist && sha256sum * > SHA256SUMS && cat SHA256SUMS

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

defects: $(STAMP)
	$(BIN)/python -m pytest -n 2 -q tests/test_plants.py --whole-gate $(ARGS)

hostile: $(STAMP)
	@$(BIN)/python -m seatrial.hostile $(ARGS)

mutation: $(STAMP)
	$(BIN)/python -m tests.mutation $(ARGS)

$(REAL_STAMP): pyproject.toml requirements/real.txt
	@test -x $(REAL)/bin/python || $(PYTHON) -m venv $(REAL)
	$(REAL)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/real.txt
	@touch $@

real: $(STAMP) $(REAL_STAMP)
	@$(BIN)/python -m seatrial.backends.run_real --python $(REAL)/bin/python $(ARGS)

real-load: $(STAMP) $(REAL_STAMP)
	@$(BIN)/python -m seatrial.backends.run_real --load --python $(REAL)/bin/python $(ARGS)

$(LITELLM)/.installed: requirements/litellm.txt
	@test -x $(LITELLM)/bin/python || $(PYTHON) -m venv $(LITELLM)
	$(LITELLM)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/litellm.txt
	@touch $@

# torch's build for the CPU is on an index of its own (PIP_EXTRA_INDEX_URL): without it this column is left out.
$(VLLM)/.installed: requirements/vllm.txt
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	@timeout 1800 $(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/vllm.txt \
		&& touch $@ || { echo "vLLM does not install here, its column is left out"; rm -rf $(VLLM); }

compatibility: $(STAMP) $(REAL_STAMP) $(LITELLM)/.installed $(VLLM)/.installed
	@$(BIN)/python -m seatrial.backends.compatibility $(ARGS)

nightly-demo: $(STAMP)
	@$(BIN)/python -m seatrial.backends.nightly_demo --python $(REAL)/bin/python $(ARGS)

bench: $(STAMP)
	@$(BIN)/python bench/load.py $(ARGS)

# In an environment of their own: they hold back the version of the official client.
frameworks:
	@test -x $(FRAMEWORKS)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[sdk,langchain,llamaindex]'
	$(FRAMEWORKS)/bin/python -m pytest -q tests/test_sdk_suite.py $(ARGS)

volume: $(STAMP)
	@$(BIN)/python -m bench.volume $(ARGS)

screenshots: $(STAMP)
	@$(BIN)/python -m docs.screenshots

lock:
	$(PYTHON) -m pip install --quiet uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --group dev pyproject.toml requirements/build.in -o requirements/lock.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header requirements/real.in -o requirements/real.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header requirements/release.in -o requirements/release.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header requirements/litellm.in -o requirements/litellm.txt
	uv pip compile --python-platform x86_64-manylinux_2_35 --python-version 3.11 --override requirements/vllm-override.in --generate-hashes --no-header requirements/vllm.in -o requirements/vllm.txt

clean:
	rm -rf .venv .venv-* dist .pytest_cache .mypy_cache .ruff_cache
