"""Which tensors can be read where they lie, without PyTorch: their bytes are their numbers, one after the other."""

import torch


def in_one_piece(tensor: torch.Tensor) -> bool:
    """True where all numbers of a tensor lie in the host's memory in its own order, from ``data_ptr`` on.

    >>> in_one_piece(torch.ones(2, 3)), in_one_piece(torch.ones(2, 3).t()), in_one_piece(torch.ones(2, device="meta"))
    (True, False, False)
    """
    if tensor.device.type != "cpu" or tensor.layout != torch.strided or not tensor.is_contiguous():
        return False
    if tensor.is_neg() or tensor.is_conj():  # views that hold the numbers before that is done to them
        return False
    return is_there(tensor)


def is_there(tensor: torch.Tensor) -> bool:
    """False where the storage of a strided tensor was freed under it, as sharding does: PyTorch itself would crash.

    >>> freed = torch.ones(3)
    >>> _ = freed.untyped_storage().resize_(0)
    >>> is_there(torch.ones(3)), is_there(freed)
    (True, False)
    """
    if tensor.numel() == 0:
        return True
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.untyped_storage().nbytes() >= (tensor.storage_offset() + reach + 1) * tensor.element_size()
