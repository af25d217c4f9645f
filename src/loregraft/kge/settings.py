"""Settings of vectors; apart from training, so that a recipe is read without torch."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

ScorerName = Literal[
    "transe",
    "transe_l1",
    "transh",
    "transr",
    "transd",
    "rescal",
    "distmult",
    "hole",
    "complex",
    "analogy",
    "simple",
    "cp",
    "rotate",
    "rotate_l2",
    "tucker",
]


def _is_own(name: str) -> str:
    module, colon, scorer = name.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), scorer)):
        raise ValueError("Or name a scorer of your own as module:NAME.")
    return name


OwnScorerName = Annotated[str, AfterValidator(_is_own)]
"""module:NAME of a scorer of the user's own; see `kge/own.py`."""


class KgeSettings(BaseModel):
    """How the vectors of a graph are trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ScorerName | OwnScorerName = Field(
        "complex", description="the scorer; or one of your own as module:NAME"
    )
    dim: int = Field(200, ge=1, description="numbers of an entity (two for a complex number)")
    epochs: int = Field(20, ge=1, description="passes over the triples, each from both sides")
    minutes: float | None = Field(None, gt=0, description="end after so many minutes of training")
    batch: int = Field(1024, ge=1, description="questions (head or tail of a triple asked for) in a step")
    loss: Literal["softmax", "self_adversarial", "margin", "logistic"] = Field(
        "softmax", description="what a step lowers"
    )
    negatives: int = Field(256, ge=1, description="wrong answers drawn for a step, shared by its questions")
    drawn: Literal["uniform", "degree", "batch", "typed", "all"] = Field(
        "uniform",
        description="how: all alike; by number of triples; the answers of the batch; of the relation's own; "
        "all: none is drawn, each question meets every entity (1-vs-all; with logistic K-vs-all)",
    )
    drop_known: bool = Field(True, description="take answers known to be true out of the negatives")
    sides: Literal["both", "bernoulli"] = Field(
        "both", description="ask for head and tail of a triple; or for one, the rarer one more often"
    )
    reciprocal: bool = Field(True, description="a vector of its own for each relation asked backwards")
    scale: float | None = Field(
        None, gt=0, description="times which scores enter the loss; null: 1, for lengths 4"
    )
    margin: float = Field(9.0, ge=0, description="of the losses margin and self_adversarial")
    adversarial: float = Field(1.0, ge=0, description="how much hard negatives count more")
    optimizer: Literal["adagrad", "adam"] = Field("adagrad", description="what turns gradients into steps")
    rate: float = Field(0.1, gt=0, description="learning rate; Adam needs about a hundredth of it")
    by_row: bool = Field(
        False, description="one Adagrad number a row instead of a number: less memory, less quality"
    )
    n3: float = Field(0.0, ge=0, description="weight of the cubed norm of each triple's vectors")
    l2: float = Field(0.0, ge=0, description="weight of the squared norm")
    dura: float = Field(0.0, ge=0, description="weight of the squared norms of question and answer")
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the numbers of entities that a step leaves out"
    )
    literals: Literal["none", "gate", "shuffled"] = Field(
        "none",
        description="numbers of attributes mixed into vectors of entities (LiteralE); shuffled: the control, "
        "the same numbers at other entities",
    )
    average: int = Field(
        1, ge=1, description="the mean over about so many last epochs is what counts; 1: the last one alone"
    )
    patience: int = Field(5, ge=1, description="validations without a better MRR before the end")
    validate_every: int = Field(1, ge=1, description="epochs between two validations")
    validation_questions: int = Field(6000, ge=1, description="questions of valid asked in a validation")
    partitions: int = Field(
        1,
        ge=1,
        description="parts the entities are cut into, a few of them in memory at a time; 1: all in memory",
    )
    buffered: int = Field(2, ge=2, description="partitions in memory at a time")
    workers: int = Field(
        2, ge=1, description="batches trained at the same time (all: threads); 1: the same bits each time"
    )
    seed: int = Field(0, ge=0, description="of all that is drawn")

    @model_validator(mode="after")
    def _fit(self) -> "KgeSettings":
        if self.drawn == "all" and self.loss not in ("softmax", "logistic"):
            raise ValueError(f"drawn is all, which the loss {self.loss} cannot do; take softmax or logistic")
        if self.drawn == "all" and self.dropout:
            raise ValueError("drawn is all, which dropout cannot do; take another, or set dropout to 0")
        if self.partitions > 1 and self.drawn in ("all", "typed"):
            raise ValueError(
                f"drawn is {self.drawn}, which needs all entities in memory; set partitions to 1"
            )
        if self.optimizer == "adam" and self.by_row:
            raise ValueError("by_row is a form of Adagrad; take one of the two")
        if self.drawn == "all" and self.literals != "none":
            raise ValueError("drawn is all, which literals cannot do; take another, or set literals to none")
        if self.partitions > 1 and self.literals != "none":
            raise ValueError("literals need all entities in memory; set partitions to 1")
        if self.average > 1 and (self.partitions > 1 or self.literals != "none"):
            raise ValueError("average goes with all entities in memory and no literals; set it to 1")
        return self
