"""After a capture with dynamic sizes no guard on sizes follows from the others, for models that people use.

What follows is seen by z3, which gives for each guard sizes where all others hold and it does not; and by brute force:
the sizes around the hint and around every number in a guard, in all combinations.
"""

import ast
import itertools
import operator

import pytest
import torch

import framelift
from framelift_symbolic_shapes import evaluate

WIDE = 3  # how far around each interesting size


class Block(torch.nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.first = torch.nn.Conv2d(before, after, 3, stride, padding=1)
        self.norm = torch.nn.BatchNorm2d(after)
        self.second = torch.nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = torch.nn.Conv2d(before, after, 1, stride)

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.norm(self.first(x)))) + self.shortcut(x))


class ResidualNetwork(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 7, 2, padding=3), torch.nn.ReLU(), torch.nn.MaxPool2d(3, 2, padding=1)
        )
        self.blocks = torch.nn.Sequential(Block(4, 4, 1), Block(4, 8, 2), Block(8, 8, 2))
        self.head = torch.nn.Linear(8, 5)

    def forward(self, x):
        return self.head(torch.nn.functional.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1).flatten(1))


class UNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.down = torch.nn.ModuleList([torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Conv2d(4, 4, 3, padding=1)])
        self.middle = torch.nn.Conv2d(4, 4, 3, padding=1)
        self.up = torch.nn.ModuleList([torch.nn.ConvTranspose2d(4, 4, 2, 2), torch.nn.ConvTranspose2d(8, 4, 2, 2)])

    def forward(self, x):
        kept = []
        for layer in self.down:
            x = torch.relu(layer(x))
            kept.append(x)
            x = torch.nn.functional.max_pool2d(x, 2)
        x = self.middle(x)
        for layer in self.up:
            x = torch.cat([layer(x), kept.pop()], 1)
        return x


class Patches(torch.nn.Module):
    """A picture as a sequence of its patches, mixed by heads, and cut into halves, as of a gated unit."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(48, 48)

    def forward(self, x):
        batch, channels, height, width = x.shape
        x = x.view(batch, channels, height // 4, 4, width // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, 48)
        heads = self.linear(x).view(batch, x.shape[1], 4, 12).transpose(1, 2)
        x = (heads @ heads.transpose(-1, -2)).softmax(-1) @ heads
        first, second = x.transpose(1, 2).reshape(batch, -1, 48).chunk(2, 1)
        return first.sum(1) * second.sum(1)


class Windows(torch.nn.Module):
    """Attention within windows of a picture that is rolled by half a window, and the picture of them again."""

    def __init__(self, size, shift):
        super().__init__()
        self.size, self.shift = size, shift
        self.mix = torch.nn.Linear(6, 18)

    def forward(self, x):
        batch, height, width, channels = x.shape
        size = self.size
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = x.view(batch, height // size, size, width // size, size, channels)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(-1, size * size, channels)
        count, length, _ = x.shape
        query, key, value = self.mix(x).reshape(count, length, 3, 2, 3).permute(2, 0, 3, 1, 4).unbind(0)
        x = ((query @ key.transpose(-1, -2)).softmax(-1) @ value).transpose(1, 2).reshape(count, length, channels)
        x = x.view(batch, height // size, width // size, size, size, -1)
        x = x.permute(0, 1, 3, 2, 4, 5).contiguous().view(batch, height, width, -1)
        return torch.roll(x, (self.shift, self.shift), (1, 2))


def merged_patches(x):
    return torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)


def shuffled_pixels(x):
    smaller = torch.nn.functional.pixel_unshuffle(x, 2)
    return torch.nn.functional.pixel_shuffle(torch.cat([smaller, smaller.flip(1)], 1), 2)


def unfolded(x):
    height, width = x.shape[2:]
    columns = torch.nn.functional.unfold(x, 4, stride=4).softmax(-1)
    return torch.nn.functional.fold(columns, (height, width), 4, stride=4)


def sliding_frames(x):
    frames = x.unfold(1, 8, 4) * torch.hann_window(8)
    return frames.sum(-1).softmax(1)


def strided_convolutions(x):
    weight = torch.ones(3, 3, 3, 3)
    first = torch.nn.functional.conv2d(x, weight, stride=2, padding=1)
    second = torch.nn.functional.conv2d(first, weight, stride=2, padding=2, dilation=2)
    return torch.nn.functional.conv_transpose2d(second, weight, stride=2) + first.mean()


def masked_attention(x):
    batch, length, _ = x.shape
    heads = x.view(batch, length, 2, 8).transpose(1, 2)
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    scores = (heads @ heads.transpose(-1, -2)).masked_fill(~mask, float("-inf"))
    return (scores.softmax(-1) @ heads).transpose(1, 2).reshape(batch, length, 16)


def ragged_sequence(x):
    parts = torch.cat([x[:, :-1], x[:, 2:], x[:, :1].expand(-1, x.shape[1] * 2, -1)], 1)
    return parts[:, : x.shape[1]] + x


def interpolated(x):
    larger = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
    return torch.nn.functional.avg_pool2d(larger, 2) + x


def padded_patches(x):
    batch, channels, height, width = x.shape
    padded = torch.nn.functional.pad(x, (0, -width % 8, 0, -height % 8))
    down, along = padded.shape[2] // 8, padded.shape[3] // 8
    cut = padded.view(batch, channels, down, 8, along, 8).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(batch, down * along, channels * 64)


def folded_windows(x):
    windows = torch.nn.functional.unfold(x, 3, stride=2)
    return torch.nn.functional.fold(windows, x.shape[2:], 3, stride=2)


def halves(x):
    first, second = x.chunk(2, 1)
    left, right = torch.split(x, [x.shape[1] // 2, x.shape[1] - x.shape[1] // 2], 1)
    return first.sum(1) + second.sum(1) + left.sum(1) * right.sum(1)


def pairs(x):
    first, second = x.split(x.shape[1] // 2, 1)
    return first * second


def summed_products(x):
    scores = torch.einsum("bik,bjk->bij", x, x)
    return torch.einsum("bij,bjk->bik", scores.softmax(-1), x) + x


def transformer(name):
    library = pytest.importorskip("transformers")
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "hidden_size": 32}
    if name == "bert":
        return library.BertModel(library.BertConfig(vocab_size=100, **sizes))
    if name == "gpt2":
        sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "bos_token_id": 1, "eos_token_id": 2}
        return library.GPT2LMHeadModel(library.GPT2Config(vocab_size=100, **sizes))
    return library.LlamaForCausalLM(library.LlamaConfig(vocab_size=100, num_key_value_heads=2, **sizes))


IDS, IMAGE = torch.arange(30).view(3, 10), torch.ones(3, 3, 32, 48)
PICTURE, SEQUENCE = torch.ones(3, 32, 48, 6), torch.ones(3, 10, 16)
MODELS = {
    "bert": (lambda: transformer("bert"), IDS, (0, 1)),
    "gpt2": (lambda: transformer("gpt2"), IDS, (0, 1)),
    "llama": (lambda: transformer("llama"), IDS, (0, 1)),
    "residual network": (ResidualNetwork, IMAGE, (0, 2, 3)),
    "U-net": (UNet, IMAGE, (0, 2, 3)),
    "patches": (Patches, IMAGE, (0, 2, 3)),
    "windows": (lambda: Windows(4, 2), PICTURE, (0, 1, 2)),
    "windows of seven": (lambda: Windows(7, 3), torch.ones(3, 28, 42, 6), (1, 2)),
    "merged patches": (lambda: merged_patches, PICTURE, (0, 1, 2)),
    "shuffled pixels": (lambda: shuffled_pixels, IMAGE, (0, 2, 3)),
    "unfolded": (lambda: unfolded, IMAGE, (0, 2, 3)),
    "sliding frames": (lambda: sliding_frames, torch.ones(3, 32), (0, 1)),
    "strided convolutions": (lambda: strided_convolutions, IMAGE, (0, 2, 3)),
    "masked attention": (lambda: masked_attention, SEQUENCE, (0, 1)),
    "ragged sequence": (lambda: ragged_sequence, SEQUENCE, (0, 1)),
    "interpolated": (lambda: interpolated, IMAGE, (0, 2, 3)),
    "padded patches": (lambda: padded_patches, IMAGE, (0, 2, 3)),
    "folded windows": (lambda: folded_windows, IMAGE, (0, 2, 3)),
    "halves": (lambda: halves, SEQUENCE, (0, 1)),
    "pairs": (lambda: pairs, SEQUENCE, (0, 1)),
    "summed products": (lambda: summed_products, SEQUENCE, (0, 1)),
}


def environment_of(lifted):
    values = [node.meta["example_value"] for node in lifted.framelift.graphs[0].graph.find_nodes(op="placeholder")]
    sizes = [size for value in values for size in getattr(value, "shape", ())]
    return next(size.node.shape_env for size in sizes if isinstance(size, torch.SymInt))


def numbers_in(expression):
    yield from [abs(expression.value)] if hasattr(expression, "value") else []
    yield from [abs(expression.constant)] if hasattr(expression, "constant") else []
    for operand in expression.operands:
        yield from numbers_in(operand)


def places(guards, hint):
    limits = {0, hint, *[number for guard in guards for number in numbers_in(guard)]}
    around = {limit + step for limit in limits for step in range(-WIDE, WIDE + 1)}
    return sorted({*around, *range(20), 64} - set(range(-WIDE, 0)))


def holds(condition, values, if_it_raises):
    try:
        return evaluate(condition, values)
    except ZeroDivisionError:
        return if_it_raises


def that_follow(guards, hints):
    """The conditions that hold at each point where the others do."""
    found = []
    for guard in guards:
        others = [other for other in guards if other is not guard and not other.symbols.isdisjoint(guard.symbols)]
        symbols = [*guard.symbols.union(*[other.symbols for other in others])]
        points = itertools.product(*[places([guard, *others], hints[symbol]) for symbol in symbols])
        for point in points:
            values = dict(zip(symbols, point, strict=True))
            # What keeps another from raising, as `s >= 2` does for `t % (s // 2)`, is needed.
            if not holds(guard, values, False) and all(holds(other, values, True) for other in others):
                break
        else:
            found.append(str(guard))
    return found


SIGNS = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip


class Translation(ast.NodeVisitor):
    """The Python of a guard as a formula of z3: integers, and divisors that are more than 0, as all sizes are."""

    def __init__(self, z3):
        self.z3 = z3

    def visit_Constant(self, node):
        return node.value

    def visit_Name(self, node):
        return self.z3.Int(node.id)

    def visit_UnaryOp(self, node):
        operand = self.visit(node.operand)
        return self.z3.Not(operand) if isinstance(node.op, ast.Not) else -operand

    def visit_BinOp(self, node):
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, (ast.FloorDiv, ast.Mod)):
            assert not isinstance(right, int) or right > 0
            return left / right if isinstance(node.op, ast.FloorDiv) else left % right
        signs = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: operator.pow}
        return signs[type(node.op)](left, right)

    def visit_Compare(self, node):
        ((sign,), (right,)) = node.ops, node.comparators
        return SIGNS[type(sign)](self.visit(node.left), self.visit(right))

    def visit_BoolOp(self, node):
        return (self.z3.Or if isinstance(node.op, ast.Or) else self.z3.And)(*map(self.visit, node.values))

    def generic_visit(self, node):
        raise NotImplementedError(ast.dump(node))


def that_z3_finds_to_follow(environment, guards):
    """The conditions for which z3 gives no sizes where the others hold and they do not."""
    z3 = pytest.importorskip("z3")
    names = {symbol: ast.Name(str(symbol)) for guard in guards for symbol in guard.symbols}
    formulas = [Translation(z3).visit(environment.to_python(guard, names)) for guard in guards]
    found = []
    for guard, formula in zip(guards, formulas, strict=True):
        solver = z3.Solver()
        solver.set("rlimit", 1_000_000)  # z3's own unit, the same on each machine
        solver.add(z3.Not(formula), *[other for other in formulas if other is not formula])
        if solver.check() != z3.sat:
            found.append(str(guard))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_no_guard_follows_from_the_others(name):
    model, example, dims = MODELS[name]
    example = example.clone()
    for dim in dims:
        framelift.mark_dynamic(example, dim)
    built = model()
    lifted = framelift.compile(built.eval() if isinstance(built, torch.nn.Module) else built, backend="eager")
    with torch.no_grad():
        lifted(example)
    environment = environment_of(lifted)
    guards = [guard.condition for guard in environment.essential_guards]
    hints = {symbol: environment.info(symbol).hint for guard in guards for symbol in guard.symbols}
    assert guards
    assert that_follow(guards, hints) == []
    assert that_z3_finds_to_follow(environment, guards) == []
