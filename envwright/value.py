"""What every part of a record is made of."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that refuses nothing: a newer writer may have added fields."""

    model_config = ConfigDict(frozen=True)
