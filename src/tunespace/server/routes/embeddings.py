"""Points of texts and of files, in the form that clients of embedding servers speak."""

import base64
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from tunespace.models.model import Vectors
from tunespace.server.schemas import FILE_AS_BODY, LONGEST_TEXT, In
from tunespace.server.state import Shared

router = APIRouter(prefix="/v1", tags=["embeddings"])

UPLOADS = frozenset({"/v1/audio/embeddings"})
Input = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class EmbeddingsIn(In):
    """As OpenAI's API has it."""

    input: Input | Annotated[list[Input], Field(min_length=1, max_length=256)]
    model: str | None = Field(default=None, description="Only the model of the library is there.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, description="Only those of the model.")
    user: str | None = None


class Embedding(BaseModel):
    """One point."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(
        description="Unit length; as numbers, or as float32 in base64."
    )


class Usage(BaseModel):
    """How much was read."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """Points, in the order of the input."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage


@router.post("/embeddings", operation_id="createEmbeddings")
async def create_embeddings(state: Shared, asked: EmbeddingsIn) -> Embeddings:
    """Points of texts."""
    model = state.collection.model
    if asked.model not in (None, "", model.name, model.identity):
        raise HTTPException(404, f"there is no model {asked.model!r} here, only {model.name}")
    if asked.dimensions not in (None, model.dim):
        raise HTTPException(422, f"the points of {model.name} have {model.dim} dimensions")
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    rows = await state.collection.run(lambda _: model.embed_text(texts))
    count = sum(len(text.split()) for text in texts)
    return _answer(rows, asked.encoding_format, model.name, count)


@router.post(
    "/audio/embeddings",
    operation_id="createAudioEmbedding",
    openapi_extra=FILE_AS_BODY,
)
async def create_audio_embedding(state: Shared, request: Request) -> Embeddings:
    """The point of a file."""
    heard = await state.hearing.hear(request.stream())
    return _answer(heard.vector[None], "float", state.collection.model.name, 0)


def _answer(rows: Vectors, form: str, model: str, count: int) -> Embeddings:
    def shown(row: Vectors) -> list[float] | str:
        if form == "base64":
            return base64.b64encode(row.astype("<f4").tobytes()).decode()
        values: list[float] = np.asarray(row, np.float64).tolist()
        return values

    return Embeddings(
        data=[Embedding(index=n, embedding=shown(row)) for n, row in enumerate(rows)],
        model=model,
        usage=Usage(prompt_tokens=count, total_tokens=count),
    )
