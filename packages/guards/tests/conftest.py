import pytest

from framelift_guards import accelerator, block, compiler


@pytest.fixture(params=["python", "accelerator"])
def way(request, monkeypatch):
    """Each check as generated Python, and, where the accelerator is installed, by a plan however small."""
    if request.param == "python":
        monkeypatch.setattr(accelerator, "make_plan", None)
    elif accelerator.make_plan is None:
        pytest.skip("the accelerator is not installed")
    else:
        for module in (block, compiler):
            monkeypatch.setattr(module, "WORTHWHILE", 1)
    return request.param
