"""Threads, seeds and number formats: what the machine gives, decided in one place."""

import os
import random

import numpy as np
import torch


def use_threads(threads: int | None) -> int:
    """Let torch use so many threads (None: the processors this process may use); tells how many."""
    count = threads or len(os.sched_getaffinity(0))
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
    return count


def has_bf16() -> bool:
    """Tell whether the processor multiplies bfloat16 matrices natively, so that autocast pays."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def set_seed(*parts: int) -> None:
    """Seed python, numpy and torch from numbers such as (seed, step), so that no state needs keeping."""
    seed = int(np.random.SeedSequence(parts).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what an encoder's own code may draw from
    torch.manual_seed(seed)
