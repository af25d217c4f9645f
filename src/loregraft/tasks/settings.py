"""Settings of tasks; apart from training, so that they are read without torch."""

from pydantic import BaseModel, ConfigDict, Field

from loregraft.training.settings import LoopSettings


class TaskSettings(BaseModel):
    """How a head learns a task, with the encoder under it or alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(5, ge=1, description="passes over the examples")
    steps: int | None = Field(None, gt=0, description="steps; null: as many as the epochs take")
    batch: int = Field(16, ge=1, description="examples in a step, and texts that are predicted at once")
    max_tokens: int = Field(
        128, ge=8, description="longer texts lose their end; what a method adds comes on top"
    )
    freeze: bool = Field(
        False, description="the encoder rests: the head trains, and the method's own weights"
    )
    seed: int = Field(0, ge=0, description="of all that is drawn")
    loop: LoopSettings = Field(
        LoopSettings(learning_rate=5e-5, new_learning_rate=1e-3, dropout=True),
        description="the training loop; new parts are the head and the method's own weights",
    )
