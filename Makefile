# `make lab` opens the course, `make test` checks it; `make` alone lists the verbs.
BIN := .venv/bin
INSTALLED := .venv/.installed
FIRST := notebooks/01_train_a_first_network.ipynb
# Opened by `make lab`; another one with `make lab OPEN=notebooks/…`.
OPEN ?= $(FIRST)
# Handed to JupyterLab by `make lab`, as in `make lab OPTIONS="--allow-root --no-browser"`.
OPTIONS :=
# Re-run by `make notebooks`, shown by `make slides`; some only with `make notebooks ONLY="notebooks/01…"`.
ONLY ?= notebooks
# TensorFlow: no log lines, and the same arithmetic on every processor.
export TF_CPP_MIN_LOG_LEVEL := 3
export TF_ENABLE_ONEDNN_OPTS := 0
# Keras on TensorFlow, whatever a reader's own keras.json says.
export KERAS_BACKEND := tensorflow

.PHONY: help lab test lint tests unit checks data browser nbval notebooks site students slides bench runs lock clean

help: ## list the verbs (this list)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-13s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): requirements.lock pyproject.toml tools/install.sh $(shell find jupyter -type f)
	@sh tools/install.sh

lab: $(INSTALLED) ## install what is missing and open the course in JupyterLab
	@$(BIN)/jupyter lab $(OPTIONS) "$(OPEN)"

test: lint ## install what is missing and run every test
	$(BIN)/pytest $(WORKERS) $(NBVAL) tests $(NOTEBOOKS)

lint: $(INSTALLED) ## check the style of code and notebooks, and the spelling
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/codespell && $(BIN)/python tools/spelling.py

# What only the recorders need: JAX, and the package that makes the signals of MNIST-1D.
RECORDERS := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock --group data

# Three on two cores, since some wait for a browser or a process; conftest.py says which tests stay together.
WORKERS := -n 3 --no-loadscope-reorder
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=300 --nbval-kernel-startup-timeout=120
# The files with tests that only `make data` runs.
SLOW := tests/runs tests/site tests/unit/test_compare.py tests/browser/test_explore.py tests/browser/test_slides.py
# Evidence last, since it takes seconds: so all are done at about the same time.
NOTEBOOKS := $(wildcard notebooks/*.ipynb) notebooks/solutions notebooks/evidence

tests: $(INSTALLED) ## run all tests but `make nbval` in one go: the next four, and those of the site
	$(BIN)/pytest $(WORKERS) tests

unit: $(INSTALLED) ## test the helpers
	$(BIN)/pytest $(WORKERS) tests/unit

checks: $(INSTALLED) ## check the notebooks as files: outputs, numbers, links, terms, alt text
	$(BIN)/pytest $(WORKERS) tests/notebooks

data: $(INSTALLED) ## what takes long: train a sample of the recorded runs again, record a little for real, walk the whole site and all slides
	$(RECORDERS)
	$(BIN)/pytest $(WORKERS) -m "" $(SLOW)

browser: $(INSTALLED) ## open JupyterLab in Chromium and use the course as a reader does
	$(BIN)/pytest $(WORKERS) tests/browser

nbval: $(INSTALLED) ## run every notebook and solution
	$(BIN)/pytest $(WORKERS) $(NBVAL) $(NOTEBOOKS)

notebooks: $(INSTALLED) ## collect the rules of thumb, set the launch cells, re-run the notebooks on fresh kernels and store their outputs
	@$(BIN)/python tools/collect_rules.py
	@$(BIN)/python tools/launch.py
	@$(BIN)/python tools/run_notebooks.py $(ONLY)

site: $(INSTALLED) ## build the course as pages that move without a kernel, in site/_build/html
	@$(BIN)/python site/build.py

students: $(INSTALLED) ## write a copy of the course without solutions, for learners, into build/students
	@$(BIN)/python tools/student_copies.py

slides: $(INSTALLED) ## make slides of the lessons' questions, figures and conclusions in build/slides (some with ONLY=…)
	@$(BIN)/python tools/slides.py $(ONLY)

bench: $(INSTALLED) ## measure speed on this machine and print a table
	@$(RECORDERS)
	@$(BIN)/python tools/bench.py

runs: $(INSTALLED) ## record the trainings in data/ again (hours on a GPU, a day on two cores; resumes where it was)
	$(RECORDERS)
	$(BIN)/python -m recorders.mnist1d
	$(BIN)/python -m recorders.runs
	$(BIN)/python -m recorders.transfers
	$(BIN)/python -m recorders.races
	$(BIN)/python -m recorders.parallel
	$(BIN)/python -m recorders.predictions
	$(BIN)/python -m recorders.candidates
	$(BIN)/python -m recorders.recipes
	$(BIN)/python -m recorders.probes
	$(BIN)/python -m recorders.own_tasks
	$(BIN)/python -m recorders.pictures

lock: $(INSTALLED) ## choose the newest versions and write requirements.lock
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 --group test --group site --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml

clean: ## remove the environment and everything else that can be made again
	rm -rf .venv .pytest_cache .ruff_cache site/_build build
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
