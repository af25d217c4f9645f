"""Settings of the linker; apart from it, so that a recipe is read without torch."""

from pydantic import BaseModel, ConfigDict, Field


class LinkSettings(BaseModel):
    """How mentions are found and entities chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest: int = Field(3, ge=1, description="characters of the shortest name that is looked for")
    ngram_floor: float = Field(0.8, ge=0, le=1, description="least n-gram cosine of a phrase with a name")
    dense_floor: float = Field(0.85, ge=-1, le=1, description="least encoder cosine of the same two")
    phrase_words: int = Field(5, ge=1, description="words of the longest phrase that is tried by n-grams")
