"""The comptime calls by topic: in each module, what the context does, and what the call does without a capture.

A new call is a method of a module's context class and one of the same name of its calls class; nothing else lists it.
"""
