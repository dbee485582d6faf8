"""Handlers of built-in types, one file each.

A file says in `HANDLERS` which types it handles, and in `RULES`, if it has any, what calls of functions mean. Nothing
else names it: `language.py` looks for the files of this folder.
"""
