"""Handlers of built-in types, one file each; `language.py` has the table of them."""
