# Everything is installed into the checkout: .venv (Python) and node_modules (contracts, fonts, the
# development chain). Needed on the machine: git, make, Python >= 3.11, Node >= 20 with npm.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-python test-unit test-contracts test-verifier-alone test-faults hammer lint format bench \
	generated clean install install-dev tools

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools:
	@command -v $(PYTHON) >/dev/null || { echo "make: python3 (3.11 or newer) is missing: install it, or set PYTHON=/path/to/python3"; exit 1; }
	@command -v node >/dev/null || { echo "make: node (20 or newer) is missing: install Node.js with npm"; exit 1; }
	@command -v npm >/dev/null || { echo "make: npm is missing: it comes with Node.js"; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || { echo "make: node 20 or newer is needed, this is $$(node --version)"; exit 1; }

install: tools ## Install what running needs (done by the other targets)
	@$(PYTHON) scripts/bootstrap.py run
	@if [ ! -e node_modules/.lancang-dev ] && ! cmp -s package-lock.json node_modules/.lancang-run; then \
		echo "Installing npm packages (fonts, development chain)"; \
		$(NPM_CI) --omit=dev && cp package-lock.json node_modules/.lancang-run; fi

install-dev: tools
	@$(PYTHON) scripts/bootstrap.py dev
	@if ! cmp -s package-lock.json node_modules/.lancang-dev; then \
		echo "Installing npm packages (compiler, test tools)"; \
		$(NPM_CI) && cp package-lock.json node_modules/.lancang-dev; fi

demo: install ## Do the whole main job on the sample documents
	@$(BIN)/lancang demo

serve: install ## Run the registry on http://127.0.0.1:8000
	@$(BIN)/lancang serve

test: install-dev test-python test-verifier-alone test-contracts ## Run every test

test-python: install-dev
	$(BIN)/python -m pytest -q -n auto --dist loadgroup

test-unit: install-dev ## Run the unit tests alone, the quick ones
	$(BIN)/python -m pytest -q -n auto tests/unit -m "not slow"

test-verifier-alone: install-dev ## Test the verifier installed alone, with the network off
	sh scripts/test_verifier_alone.sh

test-contracts: install-dev
	node_modules/.bin/hardhat test
	node scripts/forge.cjs test

test-faults: install-dev ## Kill, reorganise and lie to the anchoring pipeline, with every example
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -q -n auto tests/integration/anchoring tests/integration/chain tests/integration/faults tests/integration/hammer

hammer: install-dev ## Load an installation of its own and verify every answer, until 500 are final
	$(BIN)/python -m scripts.hammer --goal 500 --seconds 1800 --patience 600

lint: install-dev ## Check style, types, layers, contracts and generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	node_modules/.bin/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol'
	node_modules/.bin/prettier --check contracts tests/contracts hardhat.config.js 'scripts/*.cjs'
	$(BIN)/python scripts/check_house.py
	$(MAKE) --no-print-directory generated

generated: install-dev ## Prove that every generated file is current
	node scripts/export_abi.cjs --check
	$(BIN)/python scripts/check_solcx.py
	$(BIN)/python scripts/gen_format_examples.py --check
	$(BIN)/python scripts/gen_tree_examples.py --check
	$(BIN)/python scripts/gen_verdict_vectors.py --check
	$(BIN)/python scripts/gen_bundle_examples.py --check
	$(BIN)/lancang openapi --check

format: install-dev ## Rewrite the sources in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	node_modules/.bin/prettier --write contracts tests/contracts hardhat.config.js 'scripts/*.cjs'

bench: install-dev ## Measure beside a peer or a limit; tables and plots under out/bench
	$(BIN)/python -m scripts.bench

clean: ## Remove what the targets made, and the demonstration's data
	-@[ ! -x $(BIN)/lancang ] || $(BIN)/lancang chain stop
	rm -rf .venv node_modules out var artifacts cache
