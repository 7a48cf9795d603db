"""Small work runs fastest on one thread; the package itself never sets their number."""

import pytest


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> object:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
