"""What all parts are."""

from pydantic import BaseModel, ConfigDict


class ConfigSection(BaseModel):
    """Keys and values; an unknown key or another type is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
