"""What fits into `memory=`: the plan, its words, and that the process really takes no more."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fallline._recorder._gauges import gauge_of
from fallline._recorder._host_gauge import HostGauge
from fallline._recorder._memory import (
    LAST_STEPS,
    NORMS,
    PARTS,
    RECENT,
    SAME_BATCH,
    SNAPSHOTS,
    WAITING,
    Sizes,
    plan_memory,
    sizes_of,
)
from fallline._recorder._rows import Row, row_bytes
from fallline._recorder._snapshots import Copies, RecentCopies, in_flight
from fallline._recorder._split_update import UpdateSplitter

MODEL = Sizes(parameters=20_000_000, gauges=60_000_000, same_batch=80_004_000, stretch=32_768, columns=4)
NEEDED = [WAITING, NORMS, LAST_STEPS, SAME_BATCH, PARTS, SNAPSHOTS, RECENT]


def planned(memory: int, snapshots: int = 64 << 20) -> list[str]:
    return list(plan_memory(MODEL, memory, ring=100, snapshots=snapshots).bytes)


def test_everything_has_room() -> None:
    plan = plan_memory(MODEL, 512 << 20, ring=100, snapshots=64 << 20)
    assert list(plan.bytes) == NEEDED
    assert plan.left_out == ()
    assert plan.total == sum(plan.bytes.values()) <= 512 << 20
    assert plan.bytes[NORMS] == 60_000_000
    assert plan.bytes[SAME_BATCH] == 80_004_000
    assert plan.bytes[SNAPSHOTS] == plan.bytes[RECENT] == 40_000_000


def test_the_most_important_first() -> None:
    assert planned(80_000_000) == [WAITING, NORMS, LAST_STEPS, PARTS]
    assert planned(200_000_000) == [WAITING, NORMS, LAST_STEPS, SAME_BATCH, PARTS]
    assert planned(220_000_000) == [WAITING, NORMS, LAST_STEPS, SAME_BATCH, PARTS, SNAPSHOTS]
    assert planned(260_000_000) == NEEDED


def test_what_has_no_room_is_said() -> None:
    plan = plan_memory(MODEL, 64_000_000, ring=100, snapshots=30_000_000)
    assert plan.left_out == (
        "Gradient, update and parameter norms are not measured: they need 60 MB; of memory= (64 MB) 56 MB are left.",
        "The loss on the same batch is not measured: it needs 80 MB; of memory= (64 MB) 56 MB are left.",
        "Parts of an update and effective steps are not measured: they need what the norms are taken from.",
        "Parameters are not kept: a start and an end need 40 MB, snapshots= allows 30 MB.",
    )
    nothing = plan_memory(MODEL, 0, ring=100, snapshots=64 << 20)
    assert nothing.total == 0
    assert nothing.left_out[0].endswith("they need 60 MB; of memory= (0 bytes) nothing is left.")


@given(
    st.integers(0, 10**11), st.integers(0, 10**9), st.integers(1, 10**4), st.integers(0, 10**12), st.integers(0, 10**11)
)
def test_never_more_than_is_allowed(parameters: int, same_batch: int, layers: int, memory: int, snapshots: int) -> None:
    plan = plan_memory(
        Sizes(parameters, 6 * parameters, same_batch, 32_768, layers), memory, ring=100, snapshots=snapshots
    )
    assert plan.total <= memory
    assert WAITING in plan.bytes
    assert not plan.has(PARTS) or plan.has(NORMS)
    assert not plan.has(RECENT) or plan.has(SNAPSHOTS)


def test_as_the_instruments_have_it() -> None:
    """The plan's number is that of the gauge."""
    model = nn.Sequential(nn.Linear(30, 20), nn.BatchNorm1d(20), nn.Linear(20, 1).double())
    tensors = list(model.parameters())
    sizes = sizes_of(tensors, parts=3, same_batch=7)
    plan = plan_memory(sizes, 1 << 30, ring=10, snapshots=0)
    assert plan.bytes[NORMS] == HostGauge(tensors, [0, 0, 1, 1, 2, 2]).nbytes
    assert plan.bytes[SAME_BATCH] == 7


def test_stretches_of_every_kind_of_tensor() -> None:
    model = nn.Module()
    model.large = nn.Parameter(torch.zeros(100_000))
    assert sizes_of([model.large], parts=1, same_batch=0).stretch == 8192 * 4
    model.small = nn.Parameter(torch.zeros(100_000, dtype=torch.bfloat16))
    assert sizes_of([model.large, model.small], parts=2, same_batch=0).stretch == 32_768 * 8


@pytest.mark.slow
def test_numpy_really_takes_what_is_planned() -> None:
    """5 million parameters: the gauge, an update being split, two snapshots on their way and two kept."""
    model = nn.Sequential(nn.Linear(1000, 2500, bias=False), nn.Linear(2500, 1000, bias=False))
    tensors = list(model.parameters())
    optimizer = torch.optim.AdamW(tensors)
    for tensor in tensors:
        tensor.grad = torch.ones_like(tensor)
    optimizer.step()
    plan = plan_memory(sizes_of(tensors, parts=2, same_batch=0), 1 << 30, ring=100, snapshots=1 << 30)
    tracemalloc.start()
    gauge = HostGauge(tensors, [0, 1])
    gauge.remember()
    gauge.consume(None)
    gauge.read()
    gauges, _ = tracemalloc.get_traced_memory()
    UpdateSplitter(optimizer, tensors, gauge).split()
    _, while_split = tracemalloc.get_traced_memory()
    copies = Copies(tensors)
    recent = RecentCopies(copies, 10)
    waiting = [copies.buffer() for _ in range(in_flight(copies.size))]
    for buffer in waiting:
        copies.take(buffer)
    recent.keep(0)
    recent.keep(10)
    together, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert gauges == pytest.approx(plan.bytes[NORMS], rel=0.02)
    assert 0.5 * plan.bytes[PARTS] < while_split - gauges < plan.bytes[PARTS]
    assert together - gauges == pytest.approx(plan.bytes[SNAPSHOTS] + plan.bytes[RECENT], rel=0.02)


PEAK = """
import json, re, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from torch import nn
from fallline._recorder import watch

mode, path = sys.argv[1:]
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(1000, 2500), nn.ReLU(), nn.Linear(2500, 1000))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
x = torch.randn(4, 1000)

def loop(watching, steps):
    for step in range(steps):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        if watching is not None:
            watching.step(loss, closure=(lambda: model(x).square().mean()) if mode == "closure" else None)

loop(None, 3)
used = None
if mode == "bare":
    loop(None, 12)
else:
    with watch(model, optimizer, run=path, ring=4, quiet=True) as watching:
        loop(watching, 12)
    from fallline._store import read_recording
    used = dict(read_recording(path).header.instruments.__dict__)
status = Path("/proc/self/status").read_text()  # not getrusage, which counts the parent's memory at the fork
print(json.dumps([1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]), used]))
"""


def peak(mode: str, path: Path) -> tuple[int, dict[str, int] | None]:
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, mode, str(path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"},
    )
    most, used = json.loads(ran.stdout)
    return most, used


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_the_process_takes_what_the_plan_says(tmp_path: Path) -> None:
    """5 million parameters. The waiting rows' share stays empty: it is for a disk that hangs."""
    bare, _ = peak("bare", tmp_path / "none.db")
    plain, _ = peak("plain", tmp_path / "a.db")
    with_closure, used = peak("closure", tmp_path / "b.db")
    assert used is not None
    expected = used["memory_used"] - used["memory"] // 8
    same_batch = 4 * 20_014_000  # at most; some of it finds memory that the loop itself has freed
    assert plain - bare == pytest.approx(expected - same_batch, rel=0.1)
    assert 0.7 * expected < with_closure - bare < 1.1 * expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_planned_as_wide_as_it_is_kept(dtype: torch.dtype) -> None:
    tensors = [nn.Parameter(torch.zeros(1000, dtype=dtype)), nn.Parameter(torch.zeros(200, dtype=dtype))]
    gauge = gauge_of(tensors, [0, 1], torch.optim.SGD(tensors))
    sizes = sizes_of(tensors, parts=2, same_batch=0)
    assert gauge.nbytes == 2 * 1200 * 4 <= sizes.gauges
    assert sizes.columns == len(gauge.layers)


def test_a_device_needs_room_for_the_product_as_well() -> None:
    tensors = [nn.Parameter(torch.zeros(1000, dtype=torch.bfloat16)), nn.Parameter(torch.zeros(200))]
    sizes = sizes_of(tensors, parts=1, same_batch=0)
    assert (sizes.gauges, sizes.columns) == (4 * 1200 * 4, 2)


def test_a_small_memory_still_has_room_for_rows() -> None:
    small = Sizes(parameters=8, gauges=24, same_batch=32, stretch=8, columns=1)
    assert plan_memory(small, 2 << 20, ring=100, snapshots=0).bytes[WAITING] == 1 << 20
    assert plan_memory(small, 16 << 20, ring=100, snapshots=0).bytes[WAITING] == 4 << 20
    assert plan_memory(small, 512 << 20, ring=100, snapshots=0).bytes[WAITING] == 64 << 20


def test_a_row_takes_what_is_planned_for_it() -> None:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    rows = [
        Row(step, step / 7, step / 3, (step / 9,), (1,), ([step / 11 + k for k in range(400)],)) for step in range(100)
    ]
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.9 * 100 * row_bytes(100) < after - before <= 100 * row_bytes(100)
    assert len(rows) == 100
