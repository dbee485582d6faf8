"""The torch side: nodes as `torch.SymInt`, `SymFloat` and `SymBool`. Needs the extra `torch`."""

from framelift_symbolic_shapes.torch.wrapping import TorchNode, attach, expression_of, wrap

__all__ = ["TorchNode", "attach", "expression_of", "wrap"]
