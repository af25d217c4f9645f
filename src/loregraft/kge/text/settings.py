"""Settings of text vectors; apart from training, so that they are read without torch."""

from pydantic import BaseModel, ConfigDict, Field


class TextKgeSettings(BaseModel):
    """How an encoder learns to answer the questions of a graph from texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str = Field("", description="folder of the Hugging Face encoder that both readers start from")
    max_tokens: int = Field(64, ge=4, description="longer texts lose their end")
    ids_as_text: bool = Field(
        False, description="read the id of an entity that has neither name nor description"
    )
    epochs: int = Field(10, ge=1, description="passes over the triples, each asked from both sides")
    minutes: float | None = Field(
        None, gt=0, description="end after so many minutes of training; turned into steps once"
    )
    batch: int = Field(128, ge=2, description="questions in a step; their answers are each other's negatives")
    rate: float = Field(5e-5, gt=0, description="peak learning rate of AdamW")
    temperature: float = Field(
        0.05, gt=0, description="of the softmax over cosines, at the start; it is learnt"
    )
    margin: float = Field(
        0.02, ge=0, description="taken off the cosine of the right answer, in training only"
    )
    drop_known: bool = Field(True, description="take answers known to be true out of the negatives")
    self_negatives: bool = Field(
        True, description="the entity asked about is a wrong answer too; half as much work again"
    )
    dropout: bool = Field(False, description="the encoder's own dropout")
    bf16: bool | None = Field(None, description="bfloat16 products; null: where the processor has them")
    checkpoint_every_s: float = Field(60.0, gt=0, description="seconds between checkpoints")
    seed: int = Field(0, ge=0, description="of all that is drawn")
