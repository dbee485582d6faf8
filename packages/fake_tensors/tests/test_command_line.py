"""`python -m framelift_fake_tensors`."""

import importlib.util
import types
from collections import OrderedDict

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from framelift_fake_tensors import FakeMode, measure_layers
from framelift_fake_tensors.command_line import app

run = CliRunner().invoke


def refusing():
    raise ValueError("no such config\nand more")


@pytest.fixture(autouse=True)
def models(monkeypatch):
    module = types.ModuleType("some_models")
    module.perceptron = lambda: nn.Sequential(nn.Linear(768, 3072), nn.GELU(), nn.Linear(3072, 768))
    module.words = lambda: nn.Embedding(10**9, 8192)
    module.number = 3
    module.no_module = lambda: 3
    made = nn.Linear(4, 4)
    module.made_before = lambda: made
    module.marked = lambda: nn.Sequential(OrderedDict({"[red]x[/red]": nn.Linear(4, 4), ":x:": nn.ReLU()}))
    module.refusing = refusing
    module.encoder = lambda: nn.TransformerEncoderLayer(64, 4, batch_first=True)
    monkeypatch.setitem(__import__("sys").modules, "some_models", module)


def test_symbols_stay_symbols():
    result = run(app, ["some_models:perceptron", "--input", "8,s0,768", "--device", "cuda"])
    assert result.output.splitlines() == [
        "layer    class       result         parameters  activations        FLOPs",
        "(model)  Sequential  (8, s0, 768)     18.89 MB    221184*s0  75497472*s0",
        "0        Linear      (8, s0, 3072)     9.45 MB     98304*s0  37748736*s0",
        "1        GELU        (8, s0, 3072)         0 B     98304*s0            0",
        "2        Linear      (8, s0, 768)      9.44 MB     24576*s0  37748736*s0",
        "holds where s0 >= 2",
    ]


def test_what_would_fill_a_machine_is_shown():
    result = run(app, ["some_models:words", "--input", "1,s0=512:int64", "--dtype", "bfloat16"])
    assert "16.38 TB" in result.output
    assert torch.get_default_dtype() is torch.float32


@pytest.mark.parametrize("size", ["2,5,64", "2,s0,64"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_attention(size, device):
    result = run(app, ["some_models:encoder", "--input", size, "--device", device])
    assert result.exit_code == 0
    assert "self_attn.out_proj" in result.output


@pytest.mark.parametrize(("target", "options", "says"), [
    ("some_models", [], "'some_models' names no factory; write MODULE:FACTORY, such as my_models:small"),
    ("some_models:none", [], "some_models has no none: none is not there"),
    ("no_such_models:none", [], "No module named 'no_such_models'"),
    ("some_models:number", [], "some_models:number is a int; a factory is called without arguments"),
    ("some_models:no_module", [], "some_models:no_module made a int; a factory returns an nn.Module"),
    ("some_models:perceptron", ["--input", "-1"],
     "'-1' is no size; write a number, a name such as s0, or with an example, s0=512"),
    ("some_models:perceptron", ["--input", "s0=1,768"],
     "'s0=1' is no size; write a number, a name such as s0, or with an example, s0=512"),
    ("some_models:perceptron", ["--input", "2,768:complex7"],
     "'complex7' is no dtype of torch, in the input '2,768:complex7'"),
    ("some_models:perceptron", ["--dtype", "float7"], "'float7' is no dtype of torch"),
    ("some_models:perceptron", ["--dtype", "int64"], "'int64' is no floating-point dtype, which the default is"),
    ("some_models:perceptron", ["--input", "2,,768"],
     "'' is no size; write a number, a name such as s0, or with an example, s0=512"),
    ("some_models:perceptron", ["--input", "s0=,768"],
     "'s0=' is no size; write a number, a name such as s0, or with an example, s0=512"),
    ("some_models:perceptron", ["--input", f"{2**64},768"],
     "18446744073709551616 is no size; the largest that torch knows is 9223372036854775807"),
    ("some_models:perceptron", ["--input", "s0=3,s0=5"],
     "s0 is 3 in one place and 5 in another; one name is one size"),
    ("..models:none", [], "'..models' is no name of a module; write MODULE:FACTORY, such as my_models:small"),
    ("some_models:x:x:", [], "some_models has no x:x:: x:x: is not there"),
    ("some_models:refusing", [], f"some_models:refusing raised ValueError: no such config ({__file__}:RAISES)"),
])  # fmt: skip
def test_bad_input_is_told(target, options, says):
    result = run(app, [target, "--input", "2", *options])
    assert result.exit_code == 2
    says = says.replace("RAISES", str(refusing.__code__.co_firstlineno + 1))
    assert result.output == f"error: {says}\n"


def test_names_of_layers_are_no_markup():
    result = run(app, ["some_models:marked", "--input", "2,4"])
    assert [line.split()[0] for line in result.output.splitlines()[2:]] == ["[red]x[/red]", ":x:"]


def test_a_model_that_was_made_before_is_measured_too():
    result = run(app, ["some_models:made_before", "--input", "s0,4"])
    assert result.exit_code == 0
    assert "(s0, 4)" in result.output


def test_inputs_have_the_default_dtype():
    result = run(app, ["some_models:perceptron", "--input", "1,768", "--dtype", "bfloat16"])
    assert result.output.splitlines()[-1].split()[-4:] == ["1.54", "kB", "4.72", "M"]


@pytest.mark.parametrize(("options", "says"), [
    (["--input", "2,767"], "same reduction dim"),
    (["--input", "2,768", "--device", "nowhere"], "nowhere"),
])  # fmt: skip
def test_what_torch_refuses_is_told_in_its_words(options, says):
    result = run(app, ["some_models:perceptron", *options])
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert says in result.output


def test_counts_are_torch_s():
    from torch.utils.flop_counter import FlopCounterMode

    model, x = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10)), torch.ones(2, 3, 8, 8)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x)
    mode = FakeMode()
    total = measure_layers(mode, mode.fake(model), mode.fake(x))[0]
    assert total.flops == counter.get_total_flops()
    assert total.parameter_bytes == sum(value.numel() * 4 for value in model.parameters())


def saved_bytes(model, given):
    """What autograd saves in a real forward, but for parameters, buffers and inputs."""
    given_storages = {value.untyped_storage()._cdata for value in [*model.parameters(), *model.buffers(), *given]}
    saved = {}

    def pack(tensor):
        saved[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = model(*given)  # it keeps what is saved alive, so that no two have one address
    assert result is not None
    return sum(value.untyped_storage().nbytes() for key, value in saved.items() if key not in given_storages)


def small_models():
    """Small models of the library, by name, with what they are given."""
    import transformers as t

    words, picture = torch.zeros(2, 16, dtype=torch.int64), torch.ones(2, 3, 32, 32)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    few = {"vocab_size": 50}
    return {
        "GPT-2": (t.GPT2LMHeadModel(t.GPT2Config(n_layer=2, n_embd=32, n_head=4, use_cache=False, **few)), words),
        "BERT": (t.BertForMaskedLM(t.BertConfig(**size, **few)), words),
        "Llama": (t.LlamaForCausalLM(t.LlamaConfig(num_key_value_heads=2, use_cache=False, **size, **few)), words),
        "ViT": (t.ViTForImageClassification(t.ViTConfig(image_size=32, patch_size=8, **size)), picture),
        "ResNet": (
            t.ResNetForImageClassification(
                t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
            ),
            picture,
        ),
    }  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed")
@pytest.mark.filterwarnings("ignore")
def test_models_of_the_library_cost_what_they_cost_for_real():
    from torch.utils.flop_counter import FlopCounterMode

    for name, (model, given) in small_models().items():
        for is_training in (False, True):
            model.train(is_training)
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                model(given)
            mode = FakeMode()
            total = measure_layers(mode, mode.fake(model), mode.fake(given))[0]
            assert total.flops == counter.get_total_flops() > 0, name
            assert total.parameter_bytes == 4 * model.num_parameters(), name  # what is tied counts once
            assert 0.4 * total.activation_bytes < saved_bytes(model, [given]) <= total.activation_bytes, name


@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed")
def test_a_model_of_the_library():
    from transformers import LlamaConfig, LlamaForCausalLM

    mode = FakeMode()
    with mode, torch.device("cuda"):
        sizes = {"hidden_size": 8192, "intermediate_size": 28672, "num_attention_heads": 64, "num_key_value_heads": 8}
        model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=2, use_cache=False, **sizes))
        words = torch.zeros(1, 128, dtype=torch.int64)
    assert measure_layers(mode, model, words)[0].shapes == [(1, 128, 32000)]
