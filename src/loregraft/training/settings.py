"""Settings of the training loop; apart from it, so that a recipe is read without torch."""

from pydantic import BaseModel, ConfigDict, Field


class LoopSettings(BaseModel):
    """How a loop trains; the stage that owns the loop decides the number of steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: float = Field(2e-4, gt=0, description="peak learning rate of AdamW")
    new_learning_rate: float | None = Field(
        None, gt=0, description="peak rate of parts that are not the encoder's; null: as the encoder's"
    )
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps in which the rate rises from 0")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay, not on biases and norms")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    dropout: bool = Field(
        False, description="the encoder's own dropout; it costs time and short runs do not need it"
    )
    bf16: bool | None = Field(None, description="bfloat16 autocast; null: where the processor has it")
    checkpoint_every_s: float = Field(60.0, gt=0, description="seconds between checkpoints")
