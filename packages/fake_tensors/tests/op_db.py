"""Fake results of torch's own op database beside real ones, and torch's `FakeTensorMode` beside both.

    python packages/fake_tensors/tests/op_db.py --table packages/fake_tensors/OP_DB.md

Every sample is run for real, on fakes, and on torch's fakes. A result is right if the shapes, strides, dtypes, devices
and the aliasing of arguments are those of the real result, or if both raise. A size or stride that nothing but data can
tell (an unbacked symbol) is right whatever the real one is.
"""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import logging
import random
import re
import signal
import sys
import time
import warnings
from pathlib import Path

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from framelift_fake_tensors import DataDependentError, FakeMode, NoMetaKernelError, PropagationCache, PropagationError
from framelift_symbolic_shapes import DataDependentCondition, ShapeEnv

DTYPES = (torch.float32, torch.int64, torch.bool, torch.complex64)
DATA = (
    DataDependentCondition,
    DataDependentError,
    DataDependentOutputException,
    DynamicOutputShapeException,
    GuardOnDataDependentSymNode,
)
ANY = "told by data only"
RIGHT = "right"
DEPENDS = "depends on data"


def tree(value, change):
    """The value with its tensors changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        items = [tree(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {name: tree(item, change) for name, item in value.items()}
    return value


def tensors(value):
    found = []
    tree(value, lambda tensor: found.append(tensor) or tensor)
    return found


def number(extent):
    """The extent in the run that is captured."""
    if not isinstance(extent, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return extent
    hint = extent.node.maybe_as_int() if isinstance(extent, torch.SymInt) else None
    if hint is None:
        hint = extent.node.hint
    return ANY if hint is None else hint


def memory(tensor):
    own = getattr(tensor, "memory", None)
    return id(own) if own is not None else tensor.untyped_storage()._cdata


def describe(result, arguments):
    """What is compared of a result, as plain data: a list of (field, value) for each tensor in it."""
    if isinstance(result, torch.Tensor):
        if result.layout is not torch.strided:
            return [("layout", result.layout)]
        where = [k for k, argument in enumerate(arguments) if argument is result or memory(argument) == memory(result)]
        size = tuple(map(number, result.shape))
        return [
            ("shape", size),
            ("stride", tuple(map(number, result.stride()))),
            ("dtype", result.dtype),
            ("device", result.device),
            ("view", where),
        ]
    if isinstance(result, (list, tuple)):
        return [("kind", len(result)), *itertools.chain.from_iterable(describe(item, arguments) for item in result)]
    if isinstance(result, dict):
        return describe(list(result.values()), arguments)
    return [("value", number(result))]


def same(real, fake):
    if isinstance(real, tuple) and isinstance(fake, tuple):
        return len(real) == len(fake) and all(map(same, real, fake))
    return fake == ANY or real == fake or (real != real and fake != fake)


@dataclasses.dataclass(frozen=True)
class Outcome:
    described: list | None
    error: BaseException | None = None


def strided(values):
    return [tensor for tensor in tensors(values) if tensor.layout is torch.strided]


class TooSlow(Exception):
    pass


@contextlib.contextmanager
def limited(seconds):
    def stop(_number, _frame):
        raise TooSlow

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def attempt(run, values):
    """Run on the values; what came of it."""
    try:
        with limited(30):
            made = values()
            return Outcome(describe(run(*made), strided(made)))
    except Exception as error:  # whatever it raises is what is compared
        return Outcome(None, error)


def ours(operator, values, symbolic):
    mode = FakeMode(ShapeEnv(), cache=PropagationCache(), unbacked=True)
    names = itertools.count()

    def fakes():
        return tree(values, lambda tensor: mode.fake(tensor, name=f"L['a{next(names)}']", dynamic=symbolic))

    return attempt(lambda input, args, kwargs: mode.propagate(operator, (input, *args), kwargs), fakes)


def torchs(operator, values, symbolic):
    env = TorchShapeEnv(allow_scalar_outputs=True, allow_dynamic_output_shape_ops=True)
    mode = FakeTensorMode(shape_env=env)

    def run(input, args, kwargs):
        with mode:
            return operator(input, *args, **kwargs)

    return attempt(run, lambda: tree(values, lambda tensor: mode.from_tensor(tensor, static_shapes=not symbolic)))


def cause(real, fake):
    """Why a fake outcome is not the real one, in a few words; `right` if it is."""
    if real.error is not None or fake.error is not None:
        if real.error is not None and fake.error is not None:
            return RIGHT
        if fake.error is None:
            return f"no error where eager raises {type(real.error).__name__}"
        error = fake.error
        if isinstance(error, PropagationError) and isinstance(error.__cause__, Exception):
            error = error.__cause__
        if isinstance(error, DATA):
            return DEPENDS
        if isinstance(error, NoMetaKernelError):
            return f"no meta kernel: {error.operator}"
        text = re.sub(r" \(\S+:\d+ asks\)", "", str(error).strip().split("\n")[0])
        text = re.sub(r"0x[0-9a-f]+|\d+", "N", text)
        return f"raises {type(error).__name__}: {text[:110]}"
    if len(real.described) != len(fake.described):
        return "another number of results"
    for (field, expected), (_, got) in zip(real.described, fake.described, strict=True):
        if not same(expected, got):
            return f"another {field}"
    return RIGHT


@dataclasses.dataclass
class Tally:
    causes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    where: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(collections.Counter))
    examples: dict = dataclasses.field(default_factory=dict)

    def add(self, name, why, told):
        self.causes[why] += 1
        self.where[why][name] += 1
        self.examples.setdefault((why, name), told)

    @property
    def share(self):
        return 100 * self.causes[RIGHT] / max(1, self.causes.total())

    @property
    def share_without_data(self):
        """The share of the samples whose fake run did not refuse because nothing but data tells the result."""
        return 100 * self.causes[RIGHT] / max(1, self.causes.total() - self.causes[DEPENDS])


RUNS = {
    ("framelift", "static"): lambda operator, values: ours(operator, values, False),
    ("framelift", "symbolic"): lambda operator, values: ours(operator, values, True),
    ("torch", "static"): lambda operator, values: torchs(operator, values, False),
    ("torch", "symbolic"): lambda operator, values: torchs(operator, values, True),
}


def database():
    """The operators of torch's database; imported late, since that takes seconds."""
    from torch.testing._internal.common_methods_invocations import op_db

    return op_db


def samples(info, dtype, limit):
    torch.manual_seed(0)
    random.seed(0)
    return list(itertools.islice(info.sample_inputs("cpu", dtype, requires_grad=False), limit))


def channels_last(tensor):
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    if tensor.layout is not torch.strided or tensor.dim() not in formats:
        return tensor
    return tensor.contiguous(memory_format=formats[tensor.dim()])


def transposed(tensor):
    return tensor if tensor.layout is not torch.strided else tensor.mT.contiguous().mT if tensor.dim() > 1 else tensor


def reversed_dimensions(tensor):
    order = tuple(reversed(range(tensor.dim())))
    return tensor if tensor.layout is not torch.strided else tensor.permute(order).contiguous().permute(order)


def with_gaps(tensor):
    if tensor.layout is not torch.strided:
        return tensor
    wide = torch.zeros([2 * extent for extent in tensor.shape], dtype=tensor.dtype)
    return wide[tuple(slice(None, None, 2) for _ in tensor.shape)].copy_(tensor)


LAYOUTS = {
    "given": lambda tensor: tensor,
    "channels_last": channels_last,
    "transposed": transposed,
    "reversed": reversed_dimensions,
    "gaps": with_gaps,
}
"""How the arguments of a sample are laid out."""


def compare(infos, limit=None, runs=RUNS, progress=None, *, layout="given", dtypes=DTYPES):
    """Run the samples of the operators; the tally of each run."""
    tallies = {run: Tally() for run in runs}
    for info in infos:
        start = time.monotonic()
        for dtype in dtypes:
            if dtype not in info.supported_dtypes("cpu"):
                continue
            for sample in samples(info, dtype, limit):
                values = tree((sample.input, sample.args, sample.kwargs), LAYOUTS[layout])
                outcomes = {run: make(info.op, values) for run, make in runs.items()}
                torch.manual_seed(0)
                real = attempt(lambda input, args, kwargs, op=info.op: op(input, *args, **kwargs), lambda v=values: v)
                for run, outcome in outcomes.items():
                    why = cause(real, outcome)
                    tallies[run].add(info.full_name, why, (values, real, outcome))
        if progress is not None:
            progress(info.full_name, time.monotonic() - start)
    return tallies


def table(tallies, command):
    """The results as Markdown."""
    lines = [
        "# Fake tensors beside torch's op database",
        "",
        f"Written by `{command}`, with torch {torch.__version__.partition('+')[0]}.",
        "",
        "Samples of float32, int64, bool and complex64. A result is right if shape, stride, dtype, device and aliasing",
        "are those of the real result, or if both raise; a size that nothing but data can tell is always right. Both",
        "libraries may use unbacked symbols. In the last column, samples that raised an error that depends on data do",
        "not count (such as `equal`, whose result is a bool).",
        "",
        "| | sizes | samples | right | right, but for what depends on data |",
        "|---|---|---|---|---|",
    ]
    for (who, sizes), tally in tallies.items():
        shares = f"{tally.share:.2f} % | {tally.share_without_data:.2f} %"
        lines.append(f"| {who} | {sizes} | {tally.causes.total()} | {shares} |")
    for (who, sizes), tally in tallies.items():
        lines += ["", f"## {who}, {sizes}: what is not right", "", "| samples | cause | operators |", "|---|---|---|"]
        for why, count in tally.causes.most_common():
            if why != RIGHT:
                names = [f"{name} ({times})" for name, times in tally.where[why].most_common()]
                shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
                escaped = why.replace("|", "\\|")
                lines.append(f"| {count} | {escaped} | {shown} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--table", type=Path, help="where the results are written")
    parser.add_argument("--samples", type=int, help="how many samples of an operator and dtype, at most; all of them")
    parser.add_argument("--only", default="", help="a regular expression that names of operators must match")
    parser.add_argument("--every", type=int, default=1, help="take every so many operators")
    parser.add_argument("--layout", choices=LAYOUTS, default="given", help="how arguments are laid out")
    parser.add_argument("--ours", action="store_true", help="leave torch's fakes out")
    parser.add_argument("--show", help="print an example of each operator whose cause this regular expression matches")
    parser.add_argument("--sizes", choices=("static", "symbolic"), help="one form only")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)  # torch logs what its fakes raise
    infos = [info for info in database() if re.search(chosen.only, info.full_name)][:: chosen.every]
    runs = {
        run: make
        for run, make in RUNS.items()
        if not (chosen.ours and run[0] == "torch") and chosen.sizes in (None, run[1])
    }
    tallies = compare(
        infos,
        chosen.samples,
        runs,
        lambda name, took: took > 5 and print(f"{name}: {took:.0f} s", file=sys.stderr),
        layout=chosen.layout,
    )
    limits = [f"--samples {chosen.samples}"] if chosen.samples else []
    text = table(tallies, " ".join(["nox -s op_db", *(["--", *limits] if limits else [])]))
    if chosen.table:
        chosen.table.write_text(text)
    print(text)
    if chosen.show is not None:
        for run, tally in tallies.items():
            show(run, tally, chosen.show)


def show(run, tally, wanted):
    for (why, name), (values, real, outcome) in tally.examples.items():
        if why != RIGHT and re.search(wanted, why):
            print(*run, name, why, *map(shapes, values), sep=" | ")
            print(
                "    real", real.described or repr(real.error), "\n    fake", outcome.described or repr(outcome.error)
            )


def shapes(value):
    """An argument in a line."""

    def short(tensor):
        return *tensor.shape, str(tensor.dtype), tensor.stride() if tensor.layout is torch.strided else tensor.layout

    return tree(value, short)


if __name__ == "__main__":
    main()
