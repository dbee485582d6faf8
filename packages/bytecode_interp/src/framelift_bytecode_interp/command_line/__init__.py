"""The command line: `python -m framelift_bytecode_interp`. It needs the extra `cli`."""
