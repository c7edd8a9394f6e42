"""The benchmark's parts exist and the quick one prints its rows (the others take minutes)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_benchmark_of_imports_prints_the_machine_and_a_row_a_module():
    command = [sys.executable, str(ROOT / "tools" / "bench.py"), "imports"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    machine, *rows = result.stdout.splitlines()
    assert "cores" in machine
    assert [row.split("  ")[0] for row in rows] == ["import nbhelpers", "import nbhelpers.plots"]
