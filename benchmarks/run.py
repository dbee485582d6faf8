"""Run the benchmarks, each in a process of its own, and write RESULTS.md. From the repository: `nox -s bench`.

python benchmarks/run.py [--only call|capture|interpreter|fake|shapes|import_time] [--print]
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import importlib
import importlib.metadata
import multiprocessing
import os
import platform
from pathlib import Path

from timing import Row

RESULTS = Path(__file__).with_name("RESULTS.md")


@dataclasses.dataclass(frozen=True)
class Benchmark:
    module: str
    title: str
    unit: str
    scale: float
    rival: str


BENCHMARKS = [
    Benchmark("call", "Added cost of a call", "µs", 1e6, "torch.compile"),
    Benchmark("capture", "Warm capture", "ms", 1e3, "torch.compile"),
    Benchmark("interpreter", "Interpreted Python", "ms", 1e3, "CPython"),
    Benchmark("fake", "Propagation of fake tensors", "µs", 1e6, "FakeTensorMode"),
    Benchmark("shapes", "Sympy in a capture with symbolic sizes", "ms", 1e3, "the whole capture"),
    Benchmark("import_time", "Import", "s", 1, "import torch._dynamo"),
]


def measured(module: str) -> tuple[list[Row], list[tuple[str, float]]]:
    """Measure in this process; returns the rows, and seconds an operation where the benchmark knows its operations."""
    benchmark = importlib.import_module(module)
    rows = benchmark.measure()
    return rows, benchmark.growth(rows) if hasattr(benchmark, "growth") else []


def isolated(module: str) -> tuple[list[Row], list[tuple[str, float]]]:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(measured, module).result()


def table(heading: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(heading) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (heading, rule, *rows)]


def ratios(benchmark: Benchmark, rows: list[Row]) -> list[str]:
    return [
        f"### {benchmark.title}, as a part of what {benchmark.rival} takes",
        "",
        *table(
            ["case", "by minimum", "by median", "aim"],
            [
                [
                    row.case,
                    f"{row.framelift.minimum / row.torch.minimum:.2f}",
                    f"{row.framelift.median / row.torch.median:.2f}",
                    row.target,
                ]
                for row in rows
            ],
        ),
        "",
    ]


def absolute(benchmark: Benchmark, rows: list[Row]) -> list[str]:
    return [
        f"### {benchmark.title}, {benchmark.unit}",
        "",
        *table(
            ["case", "framelift, min", "median", f"{benchmark.rival}, min", "median"],
            [
                [
                    row.case,
                    *(
                        f"{seconds * benchmark.scale:.2f}"
                        for sample in (row.framelift, row.torch)
                        for seconds in (sample.minimum, sample.median)
                    ),
                ]
                for row in rows
            ],
        ),
        "",
    ]


def document(results: dict[Benchmark, tuple[list[Row], list[tuple[str, float]]]]) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("framelift", "torch"))
    machine = f"{os.cpu_count()} cores of {platform.machine()}, CPython {platform.python_version()}"
    lines = [
        "# Results",
        "",
        "Written by `nox -s bench`, which measures framelift and torch side by side: in one process, in turn, on the",
        "same inputs. A ratio below 1 means that framelift takes less. The scripts here say what is measured, and how.",
        "",
        f"Measured with {machine}, {versions}.",
        "",
        "## Ratios",
        "",
    ]
    for benchmark, (rows, _) in results.items():
        lines += ratios(benchmark, rows)
    for benchmark, (_, growth) in results.items():
        if growth:
            least = min(seconds for _, seconds in growth)
            lines += [
                f"### {benchmark.title}: growth, as time an operation relative to the least",
                "",
                *table(["case", "time an operation"], [[case, f"{seconds / least:.2f}"] for case, seconds in growth]),
                "",
            ]
    lines += ["## Absolute times", "", "They mean something only beside each other, on the machine named above.", ""]
    for benchmark, (rows, _) in results.items():
        lines += absolute(benchmark, rows)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the benchmarks and write RESULTS.md.")
    parser.add_argument("--only", choices=[benchmark.module for benchmark in BENCHMARKS], help="run one, and print it")
    parser.add_argument("--print", action="store_true", help="print the results instead of writing RESULTS.md")
    options = parser.parse_args()
    chosen = [benchmark for benchmark in BENCHMARKS if options.only in (None, benchmark.module)]
    text = document({benchmark: isolated(benchmark.module) for benchmark in chosen})
    if options.only or options.print:
        print(text)
    else:
        RESULTS.write_text(text)
        print(f"wrote {RESULTS}")


if __name__ == "__main__":
    main()
