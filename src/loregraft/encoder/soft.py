"""Soft positions: tokens put into a text that the rest of it neither sees nor makes room for.

Which encoders can do this is found out by trying: it needs positions of one's own and a mask of who sees
whom, and some families take both and leak all the same.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from loregraft.encoder.packing import TOLERANCE


def additive(visible: Bool[Tensor, "batch seq seq"]) -> Float[Tensor, "batch 1 seq seq"]:
    """Turn who sees whom (query, key) into what is added to attention scores: 0, or the least number."""
    return torch.where(visible, 0.0, torch.finfo(torch.float32).min)[:, None]


@torch.inference_mode()
def soft_offset(model: nn.Module, ids: Sequence[int], padding_id: int) -> int | None:
    """Find at which number an encoder's positions start, by putting unseen tokens into a text.

    The text's own tokens must come out as without them. None: they do not, so this encoder cannot.

    Args:
        ids: The tokens of a text as long as those that will be read: some encoders look only so far.
    """
    count, branch = len(ids), list(ids[: max(1, len(ids) // 4)])
    middle = count // 2
    longer = [*ids[:middle], *branch, *ids[middle:]]
    own = torch.ones(len(longer), dtype=torch.bool)
    own[middle : middle + len(branch)] = False
    places = torch.arange(count)
    positions = torch.cat([places[:middle], middle - 1 + torch.arange(len(branch)), places[middle:]])
    visible = own[:, None] == own[None, :]
    training = model.training
    model.eval()
    try:
        alone = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
        for offset in (0, padding_id + 1):
            output = model(
                input_ids=torch.tensor([longer]),
                attention_mask=additive(visible[None]),
                position_ids=positions[None] + offset,
            )
            if torch.allclose(output.last_hidden_state[0][own], alone, atol=TOLERANCE):
                return offset
    except (TypeError, ValueError, RuntimeError, IndexError, NotImplementedError):
        pass  # this kind of encoder takes no such mask, or no positions
    finally:
        model.train(training)
    return None
