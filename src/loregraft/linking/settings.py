"""Settings of the linker; apart from it, so that a recipe is read without torch."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _is_threshold(nil: str | float) -> str | float:
    if isinstance(nil, str) and not re.fullmatch(r"p[1-9][0-9]", nil):
        raise ValueError("It must be a number from 0 to 1, or a precision such as p95.")
    if not isinstance(nil, str) and not 0 <= nil <= 1:
        raise ValueError("It must be a number from 0 to 1.")
    return nil


class LinkSettings(BaseModel):
    """How mentions are found and entities chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = Field("", description="only entities whose id begins so are looked for; empty: all")
    under: tuple[str, ...] = Field((), description="only entities below these in the graph's hierarchy")
    marks: bool = Field(True, description="accents do not tell names apart")
    simplify: bool = Field(
        False, description="neither do traditional and simplified Chinese (needs OpenCC: extra zh)"
    )
    engine: Literal["auto", "daachorse", "ahocorasick", "python"] = Field(
        "auto", description="what scans texts for names; auto: the first that is installed"
    )
    overlaps: Literal["flat", "nested", "all"] = Field(
        "flat", description="of mentions that overlap, which are kept: the best; also those inside them; all"
    )
    nil: Annotated[str | float, AfterValidator(_is_threshold)] = Field(
        0.5,
        description="least probability of a link, 0..1; or p95: as high as it takes for 95 of 100 links "
        "to be right (needs learning)",
    )
    variants: bool = Field(
        True, description="find names in other words too: another order, a plural, a synonym"
    )
    candidates: int = Field(30, ge=1, description="candidates of a mention that is no name itself")
    coherence: bool = Field(
        True, description="let the entities of a text support each other through the graph"
    )
    narrow: float = Field(
        2.0,
        ge=0,
        description="nats below the best candidate, within which the others are read too, where a "
        "cross-encoder was learned",
    )
    window: int = Field(1500, ge=100, description="characters of a text in which they do")
