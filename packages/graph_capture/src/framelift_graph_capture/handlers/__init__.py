"""Handlers of torch's types, one file a type."""
