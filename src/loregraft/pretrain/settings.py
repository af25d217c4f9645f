"""Settings of pre-training; apart from it, so that a recipe is read without torch."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loregraft.training.settings import LoopSettings
from loregraft.training.trackers import Tracker

DEFAULT_MINUTES = 3.0
REPLAY = "replay"
"""What the words of general texts are called among the objectives."""
Weight = Annotated[float, Field(ge=0)]
Option = bool | int | float | str | list[str] | None


class PretrainSettings(BaseModel):
    """How an encoder is aligned with a graph."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(
        DEFAULT_MINUTES, gt=0, description="training time of each arm, in minutes; turned into steps once"
    )
    steps: int | None = Field(
        None, gt=0, description="steps of each arm; null: as many as fit in the minutes"
    )
    batch: int = Field(128, ge=2, description="pairs of views in a step")
    group: int = Field(8, ge=1, description="concepts in a batch that the untouched encoder takes for alike")
    max_tokens: int = Field(32, ge=4, description="longer views lose their end")
    temperature: float = Field(0.05, gt=0, description="of the softmax over cosines")
    weights: dict[str, Weight] = Field(
        default={"lay": 3.0, "definition": 0.15},
        description="how often a pair is drawn, by the kind of its second view; others count 1",
    )
    source_weights: dict[str, Weight] = Field(
        default={}, description="the same by the name of the source it comes from; the two multiply"
    )
    anchor: float = Field(
        0.1, ge=0, description="weight of staying near the untouched encoder on plain sentences"
    )
    anchor_texts: int = Field(16, ge=0, description="plain sentences in a step")
    anchor_pool: int = Field(2000, ge=1, description="plain sentences to draw those from")
    loop: LoopSettings = Field(LoopSettings(), description="the training loop")


class MixSettings(BaseModel):
    """How one objective or several train one encoder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objectives: tuple[str, ...] = Field(
        ("masked_words",), min_length=1, description="what trains; one of them in each step"
    )
    options: dict[str, dict[str, Option]] = Field(
        default={}, description="settings of objectives, by the objective's name"
    )
    max_tokens: int = Field(128, ge=8, description="longer texts are read in windows")
    minutes: float | None = Field(
        None, gt=0, description="training time; turned into steps once; 3 where no budget is given"
    )
    tokens: int | None = Field(None, gt=0, description="tokens to read; turned into steps once")
    steps: int | None = Field(None, gt=0, description="of several budgets the smallest counts")
    temperature: float = Field(
        2.0, ge=1, description="1: objectives in proportion to their items; higher: alike"
    )
    weights: dict[str, Weight] = Field(default={}, description="how often, by objective; others count 1")
    warm_up_heads: int | None = Field(
        None,
        ge=0,
        description="first steps, in which new heads train and the encoder rests; null: a tenth where all "
        "that trains predicts words and the checkpoint has no head for it, else none",
    )
    trackers: tuple[Tracker, ...] = Field(
        (), description="told each step beside the lines of steps.jsonl; the extra `track` has tensorboard"
    )
    seed: int = Field(0, ge=0, description="decides items, masks and new weights")
    loop: LoopSettings = Field(LoopSettings(), description="the training loop")

    @model_validator(mode="after")
    def _fit(self) -> "MixSettings":
        for setting, named in (("options", self.options), ("weights", self.weights)):
            if idle := sorted(set(named) - {*self.objectives, REPLAY}):
                raise ValueError(f"{setting} names {', '.join(idle)}, which is not among the objectives")
        return self
