"""Protocols of the language that call back into the user's code, as plain Python that the interpreter enters."""
