"""Base class of all sections of a recipe."""

from pydantic import BaseModel, ConfigDict


class ConfigSection(BaseModel):
    """Keys and values; unknown keys and wrong types are errors.

    Examples:
        >>> ConfigSection()
        ConfigSection()
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
