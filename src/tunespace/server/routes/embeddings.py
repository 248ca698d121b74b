"""Embeddings of texts and audio files, in the format of OpenAI's embedding API."""

import base64
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from tunespace.models.model import Vectors
from tunespace.server.schemas import FILE_AS_BODY, MAX_TEXT_LENGTH, RequestModel
from tunespace.server.state import StateDependency

router = APIRouter(prefix="/v1", tags=["embeddings"])

UPLOAD_PATHS = frozenset({"/v1/audio/embeddings"})
Input = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]


class EmbeddingsIn(RequestModel):
    """Request, as in OpenAI's API."""

    input: Input | Annotated[list[Input], Field(min_length=1, max_length=256)]
    model: str | None = Field(default=None, description="Must be the model of the library.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(
        default=None, ge=1, description="Must be the number of dimensions of the model."
    )
    user: str | None = None


class Embedding(BaseModel):
    """One embedding."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(
        description="Unit vector, as numbers or as float32 in base64."
    )


class Usage(BaseModel):
    """Number of words in the request."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """Embeddings in the order of the input."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage


@router.post("/embeddings", operation_id="createEmbeddings")
async def create_embeddings(state: StateDependency, request: EmbeddingsIn) -> Embeddings:
    """Embed texts."""
    model = state.libraries.model
    if request.model not in (None, "", model.name, model.identity):
        raise HTTPException(404, f"there is no model {request.model!r} here, only {model.name}")
    if request.dimensions not in (None, model.dim):
        raise HTTPException(422, f"embeddings of {model.name} have {model.dim} dimensions")
    texts = [request.input] if isinstance(request.input, str) else request.input
    rows = await state.libraries.run(lambda _: model.embed_text(texts))
    count = sum(len(text.split()) for text in texts)
    return _response(rows, request.encoding_format, model.name, count)


@router.post("/audio/embeddings", operation_id="createAudioEmbedding", openapi_extra=FILE_AS_BODY)
async def create_audio_embedding(state: StateDependency, request: Request) -> Embeddings:
    """Embed an audio file."""
    embedding = await state.clip_encoder.encode(request.stream())
    return _response(embedding.vector[None], "float", state.libraries.model.name, 0)


def _response(rows: Vectors, encoding: str, model: str, count: int) -> Embeddings:
    def encode(row: Vectors) -> list[float] | str:
        if encoding == "base64":
            return base64.b64encode(row.astype("<f4").tobytes()).decode()
        values: list[float] = np.asarray(row, np.float64).tolist()
        return values

    return Embeddings(
        data=[Embedding(index=n, embedding=encode(row)) for n, row in enumerate(rows)],
        model=model,
        usage=Usage(prompt_tokens=count, total_tokens=count),
    )
