"""The operations of the symbolic domain, one module a topic; `domain.SymbolicDomain` is made of them."""
