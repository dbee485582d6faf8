"""Errors that capture knows only by their type are caught where CPython catches them."""

from __future__ import annotations

import torch

import framelift

X = torch.ones(2)


def missing(path):
    with open(path) as file:  # noqa: PTH123 - the built-in function is what is called
        return file.read()


def test_an_error_of_the_system_is_caught_by_the_frame_below():
    order = []

    def f(x):
        y = x + 1
        try:
            try:
                text = missing("/nonexistent/file")
            except OSError:
                text = "none"
            framelift.graph_break()
            order.append(text)
        finally:
            framelift.graph_break()
            order.append("finally")
        return y * 2

    assert framelift.compile(f, backend="eager")(X)[0] == 4
    assert order == ["none", "finally"]


def test_handlers_of_other_classes_are_passed():
    def f(x):
        y = x + 1
        try:
            missing("/nonexistent/file")
        except KeyError:
            framelift.graph_break()
            return y
        except (ValueError, FileNotFoundError) as error:
            framelift.graph_break()
            return y * error.errno

    assert framelift.compile(f, backend="eager")(X)[0] == 4
