# Two targets for newcomers: `make demo` and `make test`. Both set up all they need, from nothing but python3.

# Another environment that happens to be active is none of ours.
unexport VIRTUAL_ENV

VENV   := .venv
PYTHON := $(VENV)/bin/python
GRADER := $(VENV)/bin/grader
JOBS   ?= 2

.PHONY: help demo test attacks setup lint lock fuzz bench bench-steady bench-class bench-regrade reference verify replay matrix recorded facts benchmark keras-versions clean

help:
	@echo "make demo       grade the class in samples/ and say where its page and the reports are"
	@echo "make test       lint, type check and all tests"
	@echo "make setup      make $(VENV) with everything in it (demo and test do this by themselves)"
	@echo "make lint       ruff and mypy alone"
	@echo "make attacks    run every attack in every tier of isolation, and what isolation costs (PAIRS=N of runs)"
	@echo "make fuzz       a thousand malformed notebooks and forged journals (FUZZ=N: so many of each)"
	@echo "make bench      time a check, cold and warm, and a class, beside the bare notebook and jupyter execute"
	@echo "make bench-steady   grade 500 notebooks in a row: does memory, time or anything else grow?"
	@echo "make bench-class    grade a class of 200 while the grader is killed, beside jupyter execute"
	@echo "make bench-regrade  time regrading a class of 10,000"
	@echo "make reference  make the known-wrong variants anew from reference/*/variants.toml"
	@echo "make verify     grade every reference notebook and compare with what is declared of it"
	@echo "make replay     the same, and rebuild each model: does it do what the recorder saw?"
	@echo "make matrix     which check caught which variant in the last make verify"
	@echo "make recorded   keep the evidence of the last make verify beside the references, for make test"
	@echo "make facts      write reference/FACTS.md from the last make verify"
	@echo "make benchmark  the usual test of such a course beside the last make verify"
	@echo "make keras-versions  the same verdict on older Kerases? (ALL=1: on every variant)"
	@echo "make lock       resolve the dependencies anew into requirements.lock"
	@echo "make clean      remove what was made here"

demo: setup
	@echo
	@rm -rf demo-report
	@$(GRADER) grade samples -o demo-report; status=$$?; test $$status -le 1

test: setup lint
	@$(PYTHON) -m pytest -p grader.verify.plugin --verify-fresh=2 -n $(JOBS)

setup: $(VENV)/.ready

# The lock file is what decides; pyproject.toml only names what it was made from.
$(VENV)/.ready: requirements.lock pyproject.toml tools/setup.py
	@python3 tools/setup.py $(VENV)
	@touch $@

lint: setup
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

attacks: setup
	@$(PYTHON) -m tests.attacks.table $(PAIRS)

FUZZ ?= 1000

fuzz: setup
	@GRADER_FUZZ=$(FUZZ) $(PYTHON) -m pytest -n $(JOBS) --timeout 7200 tests/test_fuzz.py

bench: setup
	@$(PYTHON) -m tests.bench.speed --write

bench-steady: setup
	@$(PYTHON) -m tests.bench.steady --write

bench-class: setup
	@$(PYTHON) -m tests.bench.grade_class --jobs $(JOBS)

bench-regrade: setup
	@$(PYTHON) -m tests.bench.regrade_class --jobs $(JOBS)

reference: setup
	@$(PYTHON) reference/make_variants.py

verify: setup
	@$(GRADER) verify -n $(JOBS)

replay: setup
	@$(GRADER) verify --replay -n $(JOBS)

matrix: setup
	@$(GRADER) verify --matrix

recorded: setup
	@$(PYTHON) reference/make_recorded.py

facts: setup
	@$(PYTHON) reference/make_facts.py

benchmark: setup
	@$(PYTHON) -m tests.bench.course_test

keras-versions: setup
	@$(PYTHON) tools/keras_versions.py $(if $(ALL),--all)

lock: setup
	@python3 tools/setup.py --uv pip compile pyproject.toml --group dev --universal --python-version 3.10 \
		--generate-hashes --no-header --no-annotate -q -o requirements.lock

clean:
	rm -rf $(VENV) build demo-report .pytest_cache .mypy_cache .ruff_cache .hypothesis
