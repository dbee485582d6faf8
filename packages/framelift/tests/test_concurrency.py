"""Threads, event loops and processes: right results, each shape captured once, no deadlock. All tests are bounded."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import gc
import multiprocessing
import os
import random
import sys
import threading
import time
import weakref

import pytest
import torch

import framelift

TIMEOUT = 60.0
THREADS = 16


class Counting:
    """A backend that counts the graphs that it is given, by the shapes of their inputs."""

    def __init__(self):
        self.lock = threading.Lock()
        self.seen = {}

    def __call__(self, gm, example_inputs):
        shapes = tuple(tuple(one.shape) for one in example_inputs if isinstance(one, torch.Tensor))
        with self.lock:
            self.seen[shapes] = self.seen.get(shapes, 0) + 1
        return gm.forward


def in_threads(work, count=THREADS):
    """Run `work(number)` in threads that start together; raise what any of them raises."""
    barrier = threading.Barrier(count)

    def started(number):
        barrier.wait(TIMEOUT)
        return work(number)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(started, number) for number in range(count)]
        return [future.result(TIMEOUT) for future in futures]


def test_each_shape_is_captured_once_whoever_comes_first():
    backend = Counting()

    @framelift.compile(backend=backend, dynamic=False)
    def double(x):
        return x * 2 + x.shape[0]

    def work(number):
        chooser = random.Random(number)
        for _ in range(60):
            x = torch.full((chooser.randrange(2, 8),), float(number))
            assert torch.equal(double(x), x * 2 + x.shape[0])

    in_threads(work)
    assert backend.seen == {((size,),): 1 for size in range(2, 8)}


def test_clearing_while_others_call_gives_right_results():
    @framelift.compile(backend="eager", dynamic=False, recompile_limit=100)
    def scaled(x, by):
        y = x * by
        return y.sum(), [y, by]

    done = threading.Event()

    def clear():
        while not done.is_set():
            scaled.framelift.clear()
            time.sleep(0.002)

    def work(number):
        chooser = random.Random(number)
        for _ in range(40):
            x, by = torch.arange(float(chooser.randrange(2, 6))), chooser.randrange(2, 5)
            total, (y, same) = scaled(x, by)
            assert torch.equal(total, (x * by).sum())
            assert torch.equal(y, x * by)
            assert same == by

    clearing = threading.Thread(target=clear)
    clearing.start()
    try:
        in_threads(work)
    finally:
        done.set()
        clearing.join(TIMEOUT)
    assert not clearing.is_alive()


def test_breaks_and_effects_in_threads():
    lock = threading.Lock()
    seen = []

    def note(value):
        with lock:
            seen.append(value)

    @framelift.compile(backend="eager", dynamic=False, recompile_limit=100)
    def with_break(x, out, number):
        out.append(number)
        y = x + number
        note(threading.get_ident())  # `with lock` breaks the graph inside
        out.append(y.shape[0])
        return y * 2

    def work(number):
        for size in (2, 3, 4):
            out = []
            x = torch.ones(size)
            assert torch.equal(with_break(x, out, number % 3 + 2), (x + number % 3 + 2) * 2)
            assert out == [number % 3 + 2, size]

    in_threads(work)
    assert len(seen) == THREADS * 3


def test_a_module_that_one_thread_changes_and_others_call():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU())
    lifted = framelift.compile(model, backend="eager")
    x = torch.randn(2, 3)

    def work(number):
        for _ in range(20):
            with torch.no_grad():
                assert lifted(x).shape == (2, 3)

    def toggle():
        for number in range(30):
            model.train(number % 2 == 0)
            time.sleep(0.001)

    changing = threading.Thread(target=toggle)
    changing.start()
    in_threads(work, 4)
    changing.join(TIMEOUT)
    assert torch.equal(lifted(x), model(x))


def test_grad_mode_is_each_threads_own():
    @framelift.compile(backend="eager")
    def scaled(x):
        return x * 3

    x = torch.ones(2, requires_grad=True)

    def work(number):
        for _ in range(30):
            with torch.set_grad_enabled(number % 2 == 0):
                assert scaled(x).requires_grad is (number % 2 == 0)

    in_threads(work)


@pytest.fixture
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.parametrize("guards", ["checked", framelift.Sampled(every=3)])
def test_reset_while_others_call_and_capture(guards):
    options = {"backend": "eager", "dynamic": False, "recompile_limit": 1000, "guards": guards}
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU())
    lifted = framelift.compile(model, **options)

    @framelift.compile(**options)
    def broken(x, by):
        y = x + 1
        framelift.graph_break()
        return y * by, [x, by]

    done = threading.Event()

    def forget():
        while not done.is_set():
            framelift.reset()
            broken.framelift.clear()
            time.sleep(0.005)

    def work(number):
        chooser = random.Random(number)
        for _ in range(12):
            x, by = torch.arange(float(chooser.randrange(2, 5))), chooser.randrange(2, 4)
            found, (same, kept) = broken(x, by)
            assert torch.equal(found, (x + 1) * by)
            assert same is x
            assert kept == by
            z = torch.randn(chooser.randrange(2, 4), 3)
            assert torch.equal(lifted(z), model(z))

    forgetting = threading.Thread(target=forget)
    forgetting.start()
    try:
        in_threads(work)
    finally:
        done.set()
        forgetting.join(TIMEOUT)
    assert not forgetting.is_alive()
    assert broken.framelift.capture_errors == lifted.framelift.capture_errors == []


@pytest.mark.usefixtures("frequent_switches")
def test_the_state_of_torch_is_each_threads_own():
    @framelift.compile(backend="eager", dynamic=False, recompile_limit=100)
    def product(x, weight):
        return x @ weight, torch.zeros(2)

    weight = torch.randn(3, 3, requires_grad=True)

    def work(number):
        for _ in range(12):
            x = torch.randn(2 + number % 2, 3)
            kind = number % 5
            if kind == 0:
                with torch.no_grad():
                    assert not product(x, weight)[0].requires_grad
            elif kind == 1:
                assert product(x, weight)[0].requires_grad
            elif kind == 2:
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    assert product(x, weight)[0].dtype is torch.bfloat16
            elif kind == 3:
                with torch.inference_mode():
                    assert product(x, weight)[0].is_inference()
            else:
                with torch.device("meta"):
                    assert product(x, weight)[1].device.type == "meta"

    in_threads(work)


@pytest.mark.usefixtures("frequent_switches")
def test_compile_itself_in_threads():
    def function(x):
        return x.sin() + x.shape[0]

    module = torch.nn.Linear(3, 3)

    def work(number):
        lifted, x = framelift.compile(function, backend="eager", dynamic=False), torch.ones(2 + number % 3)
        assert torch.equal(lifted(x), function(x))
        of_module, y = framelift.compile(module, backend="eager"), torch.ones(2, 3)
        assert torch.equal(of_module(y), module(y))

    in_threads(work)


def test_a_thread_that_is_interrupted_in_a_capture_leaves_no_lock_behind():
    entered = threading.Event()
    interrupted = []

    def backend(gm, example_inputs):
        entered.set()
        end = time.monotonic() + TIMEOUT
        while not interrupted and time.monotonic() < end:
            pass  # an exception from outside comes between two instructions
        return gm.forward

    function = framelift.compile(lambda x: x + 1, backend=backend)

    def captures():
        try:
            function(torch.ones(2))
        except KeyboardInterrupt:
            interrupted.append(True)

    capturing = threading.Thread(target=captures)
    capturing.start()
    assert entered.wait(TIMEOUT)
    raised = ctypes.py_object(KeyboardInterrupt)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(capturing.ident), raised)
    capturing.join(TIMEOUT)
    assert interrupted == [True]
    (found,) = in_threads(lambda number: function(torch.ones(2)), 1)
    assert torch.equal(found, torch.full((2,), 2.0))
    assert len(function.framelift.specialisations) == 1
    assert not framelift.is_compiling()


def test_recursion_through_the_lifted_function_from_several_threads():
    @framelift.compile(backend="eager", dynamic=False)
    def down(x, depth):
        if depth == 0:
            return x
        return down(x + 1, depth - 1)

    def work(number):
        assert torch.equal(down(torch.zeros(2), number % 4), torch.full((2,), float(number % 4)))

    in_threads(work)


def test_tasks_of_an_event_loop():
    backend = Counting()

    @framelift.compile(backend=backend, dynamic=False)
    def double(x):
        return x * 2

    async def one(number):
        results = []
        for step in range(5):
            x = torch.ones((number + step) % 4 + 2)
            results.append(torch.equal(double(x), x * 2))
            await asyncio.sleep(0)
        return all(results)

    async def all_of_them():
        in_loop = [one(number) for number in range(20)]
        in_pool = [asyncio.to_thread(lambda: bool((double(torch.ones(3)) == 2).all())) for _ in range(8)]
        return await asyncio.wait_for(asyncio.gather(*in_loop, *in_pool), TIMEOUT)

    assert all(asyncio.run(all_of_them()))
    assert backend.seen == {((size,),): 1 for size in range(2, 6)}


@framelift.compile(backend="eager", dynamic=False)
def at_module_level(x):
    return x.relu() + x.shape[0]


def call_in_child(size):
    x = torch.linspace(-1, 1, size)
    return torch.equal(at_module_level(x), x.relu() + size)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    assert call_in_child(3)
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1 if method == "spawn" else 2, mp_context=context) as pool:
        assert list(pool.map(call_in_child, [3, 4, 5, 3], timeout=TIMEOUT)) == [True] * 4
    assert call_in_child(3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_forked_while_another_thread_captures_does_not_hang():
    slow = threading.Event()
    entered = threading.Event()

    def backend(gm, example_inputs):
        entered.set()
        slow.wait(TIMEOUT)
        return gm.forward

    function = framelift.compile(lambda x: x + 1, backend=backend)
    capturing = threading.Thread(target=function, args=(torch.ones(2),))
    capturing.start()
    assert entered.wait(TIMEOUT)
    child = multiprocessing.get_context("fork").Process(target=_call_and_exit, args=(function, slow))
    child.start()
    child.join(20)
    hung = child.is_alive()
    if hung:
        child.kill()
    slow.set()
    capturing.join(TIMEOUT)
    assert not hung
    assert child.exitcode == 0


def _call_and_exit(function, slow):
    slow.set()
    os._exit(0 if torch.equal(function(torch.ones(2)), torch.full((2,), 2.0)) else 1)


def test_nothing_of_a_thread_is_kept_alive():
    @framelift.compile(backend="eager")
    def double(x):
        return x * 2

    kept = []

    def work(number):
        x = torch.ones(number % 3 + 2)
        double(x)
        kept.append(weakref.ref(x))

    in_threads(work)
    gc.collect()
    assert all(one() is None for one in kept)
