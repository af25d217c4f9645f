"""Plain: no knowledge. The bare encoder, which every report compares with and which proves the contract."""

from collections.abc import Sequence

from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens
from loregraft.encoder.hooks import Changes
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Host, MethodSettings, Need


class PlainSettings(MethodSettings):
    """Nothing to set."""


class Plain(nn.Module):
    """Reads texts and leaves the links alone."""

    needs: tuple[Need, ...] = ()

    def __init__(self, host: Host, knowledge: Knowledge, settings: PlainSettings) -> None:
        super().__init__()
        self.host = host

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Pad the texts."""
        return padded(tokens, self.host.padding_id)

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Change nothing."""
        return Changes()
