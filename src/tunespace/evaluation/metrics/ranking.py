"""Ranking metrics: positions of relevant items in a ranking.

Conventions:
    A rank is 1 for the best item of the pool. Scores are cosines: products of unit rows in float64,
    rounded to float32, so that equal vectors tie, and neither the size of a block nor the matrix
    kernels of the machine change a rank.

    Published results differ in how they treat ties: a model whose texts all have one embedding has
    a perfect recall if the relevant item is ranked first among equals. Every report states the
    rule:

    - ``pessimistic`` (ours): irrelevant items are ranked first among equals.
    - ``mean``: the expected position in a random order of the equals. The j-th of r relevant items
      that are tied with n others, below g better ones, has rank g + j (n + r + 1) / (r + 1).
    - ``optimistic``: relevant items are ranked first among equals.

    A query without relevant items has no value (NaN) and is left out of every mean; reports count
    such queries.

Metrics (R: number of relevant items of the query; see ``docs/metrics.md``):
    recall@k, hit rate@k, precision@k, average precision (also cut at k), reciprocal rank, first
    rank (for median and mean rank), nDCG@k. With one relevant item per query recall@k and hit
    rate@k are equal; with several they are not, and some papers print one under the other's name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Ties = Literal["pessimistic", "mean", "optimistic"]
Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.floating]
Indices = npt.NDArray[np.int64]

# Bytes of a block of scores; a block holds float64 products and their float32 copy.
_BLOCK_BYTES = 256 << 20
# Number of relevant items from which sorting a row is cheaper than counting for each of them.
_SORT_FROM = 24


@dataclass(frozen=True)
class Ranked:
    """Ranks of the relevant items of each query.

    Attributes:
        ranks: Ranks of all relevant items, query after query, ascending within a query; float64,
            since expected positions need not be whole.
        gains: Gains of the same items, for nDCG; 1 if relevance is binary.
        offsets: ``(queries + 1,)``: the items of query q are ``offsets[q]:offsets[q + 1]``.
        pool: ``(queries,)`` number of items that each query was ranked against.
        ideal: Gains of the same items, descending within a query.
        ties: Rule for ties.
    """

    ranks: Floats
    gains: Floats
    offsets: Indices
    pool: Indices
    ideal: Floats
    ties: Ties

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.pool)

    @property
    def relevant(self) -> Indices:
        """``(queries,)`` number of relevant items."""
        return np.diff(self.offsets)


def rank_scores(
    scores: Scores,
    relevant: Sequence[npt.ArrayLike],
    *,
    gains: Sequence[npt.ArrayLike] | None = None,
    ties: Ties = "pessimistic",
) -> Ranked:
    """Rank the relevant items by a matrix of scores.

    Args:
        scores: ``(queries, items)``, higher is better; minus infinity takes an item out of the pool
            of a query.
        relevant: Indices of the relevant items of each query; may be empty.
        gains: Gain (above 0) of each of these items; None for 1.
        ties: Rule for ties.

    Raises:
        ValueError: Shapes do not match, a score is NaN, an index is not in the pool or is repeated.

    Examples:
        >>> ranked = rank_scores(np.array([[0.9, 0.1, 0.5]]), [[2]])
        >>> float(reciprocal_rank(ranked)[0])
        0.5
    """
    return _gather([scores], len(scores), scores.shape[1], relevant, gains, ties)


def rank_vectors(
    queries: Scores,
    items: Scores,
    relevant: Sequence[npt.ArrayLike],
    *,
    gains: Sequence[npt.ArrayLike] | None = None,
    exclude: npt.ArrayLike | None = None,
    ties: Ties = "pessimistic",
) -> Ranked:
    """Rank the relevant items by products of vectors, block by block.

    100,000 queries against 100,000 items need less than 2 GB.

    Args:
        queries: ``(queries, dim)``, unit rows for cosines.
        items: ``(items, dim)``.
        relevant: Indices of the relevant items of each query.
        gains: As in ``rank_scores``.
        exclude: Index of an item that is not in the pool of each query, such as the query itself
            when tracks are compared with tracks; -1 for none.
        ties: Rule for ties.

    Raises:
        ValueError: As in ``rank_scores``.
    """
    if queries.ndim != 2 or items.ndim != 2 or queries.shape[1] != items.shape[1]:
        raise ValueError(f"queries {queries.shape} and items {items.shape} do not match")
    left_out = None if exclude is None else np.asarray(exclude, np.int64)
    blocks = _blocks(queries, items, left_out)
    return _gather(blocks, len(queries), len(items), relevant, gains, ties)


def _blocks(queries: Scores, items: Scores, exclude: Indices | None) -> Iterator[Scores]:
    columns = items.astype(np.float64).T
    rows = max(1, _BLOCK_BYTES // (12 * max(1, len(items))))
    for start in range(0, len(queries), rows):
        part = queries[start : start + rows].astype(np.float64)
        scores = (part @ columns).astype(np.float32)
        if exclude is not None:
            out = exclude[start : start + rows]
            here = np.flatnonzero(out >= 0)
            scores[here, out[here]] = -np.inf
        yield scores


def _gather(
    blocks: "Sequence[Scores] | Iterator[Scores]",
    queries: int,
    items: int,
    relevant: Sequence[npt.ArrayLike],
    gains: Sequence[npt.ArrayLike] | None,
    ties: Ties,
) -> Ranked:
    if len(relevant) != queries or (gains is not None and len(gains) != queries):
        raise ValueError(f"{queries} queries, but relevant items of {len(relevant)}")
    ranks: list[Floats] = []
    gained: list[Floats] = []
    ideal: list[Floats] = []
    pools: list[int] = []
    rows = (row for block in blocks for row in block)
    for query, row in enumerate(rows):
        wanted = np.asarray(relevant[query], np.int64).reshape(-1)
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= items):
            raise ValueError(f"query {query}: a relevant item is not among the {items} items")
        if len(np.unique(wanted)) != len(wanted):
            raise ValueError(f"query {query}: a relevant item is repeated")
        gain = np.ones(len(wanted)) if gains is None else np.asarray(gains[query], np.float64)
        if gain.shape != wanted.shape or (gain <= 0).any():
            raise ValueError(f"query {query}: each relevant item needs a gain above 0")
        query_ranks, order, pool = _ranks(row, wanted, ties, query)
        ranks.append(query_ranks)
        gained.append(gain[order])
        ideal.append(np.sort(gain)[::-1])
        pools.append(pool)
    return Ranked(
        ranks=np.concatenate(ranks) if ranks else np.empty(0),
        gains=np.concatenate(gained) if gained else np.empty(0),
        offsets=np.concatenate([[0], np.cumsum([len(r) for r in ranks])]).astype(np.int64),
        pool=np.array(pools, np.int64),
        ideal=np.concatenate(ideal) if ideal else np.empty(0),
        ties=ties,
    )


def _ranks(row: Scores, wanted: Indices, ties: Ties, query: int) -> tuple[Floats, Indices, int]:
    """Return the ranks of one query's relevant items, their order, and the size of the pool."""
    if np.isnan(row).any():
        raise ValueError(f"query {query}: a score is not a number")
    pool = len(row) - int(np.count_nonzero(np.isneginf(row)))
    mine = row[wanted]
    if np.isneginf(mine).any():
        raise ValueError(f"query {query}: a relevant item is not in its pool")
    order = np.argsort(-mine, kind="stable")
    mine = mine[order]
    if len(mine) >= _SORT_FROM:
        ascending = np.sort(row)
        above = len(row) - np.searchsorted(ascending, mine, side="right")
        level = len(row) - np.searchsorted(ascending, mine, side="left") - above
    else:
        above = np.array([np.count_nonzero(row > score) for score in mine], np.int64)
        level = np.array([np.count_nonzero(row == score) for score in mine], np.int64)
    _, first, alike = np.unique(-mine, return_index=True, return_counts=True)
    r = np.repeat(alike, alike)
    j = np.arange(1, len(mine) + 1) - np.repeat(first, alike)
    n = level - r
    place: npt.NDArray[np.floating | np.integer]
    match ties:
        case "pessimistic":
            place = n + j
        case "optimistic":
            place = j
        case "mean":
            place = j * (n + r + 1) / (r + 1)
    return (above + place).astype(np.float64), order, pool


def recall_at(ranked: Ranked, k: int) -> Floats:
    """Return ``(queries,)``: fraction of a query's relevant items among the first k."""
    return _sums(ranked, ranked.ranks <= k) / _nonzero(ranked.relevant)


def hit_rate_at(ranked: Ranked, k: int) -> Floats:
    """Return ``(queries,)``: 1 if any relevant item is among the first k."""
    return np.where(ranked.relevant > 0, first_rank(ranked) <= k, np.nan)


def precision_at(ranked: Ranked, k: int) -> Floats:
    """Return ``(queries,)``: fraction of relevant items among the first k."""
    return np.where(ranked.relevant > 0, _sums(ranked, ranked.ranks <= k) / k, np.nan)


def average_precision(ranked: Ranked, k: int | None = None) -> Floats:
    """Return ``(queries,)``: mean over the relevant items of the precision at their ranks.

    Cut at k, items beyond k count 0 and the divisor stays R, as in trec_eval's ``map_cut``; some
    papers divide by min(R, k) instead, which is the same for one relevant item.
    """
    starts = np.repeat(ranked.offsets[:-1], ranked.relevant)
    precision = (np.arange(len(ranked.ranks)) - starts + 1) / ranked.ranks
    if k is not None:
        precision = np.where(ranked.ranks <= k, precision, 0.0)
    return _sums(ranked, precision) / _nonzero(ranked.relevant)


def reciprocal_rank(ranked: Ranked) -> Floats:
    """Return ``(queries,)``: 1 / rank of the first relevant item."""
    return 1 / first_rank(ranked)


def first_rank(ranked: Ranked) -> Floats:
    """Return ``(queries,)``: rank of the first relevant item, from 1; NaN without any.

    Its median and mean over queries are the median and mean rank.
    """
    first = np.full(len(ranked), np.nan)
    some = ranked.relevant > 0
    first[some] = ranked.ranks[ranked.offsets[:-1][some]]
    return first


def ndcg_at(ranked: Ranked, k: int) -> Floats:
    """Return ``(queries,)``: normalised discounted cumulative gain (Järvelin and Kekäläinen 2002).

    Gains are linear and the discount of rank i is log2(i + 1), as in trec_eval.
    """
    gained = np.where(ranked.ranks <= k, ranked.gains / np.log2(ranked.ranks + 1), 0.0)
    starts = np.repeat(ranked.offsets[:-1], ranked.relevant)
    place = np.arange(len(ranked.ranks)) - starts + 1
    best = np.where(place <= k, ranked.ideal / np.log2(place + 1), 0.0)
    # No relevant item: 0 / NaN.
    whole = _sums(ranked, best)
    whole[ranked.relevant == 0] = np.nan
    return _sums(ranked, gained) / whole


def _sums(ranked: Ranked, values: npt.NDArray[np.generic]) -> Floats:
    """Return the sums within each query; 0 for a query without relevant items."""
    sums = np.zeros(len(ranked))
    some = np.flatnonzero(ranked.relevant)
    if len(some):
        sums[some] = np.add.reduceat(values.astype(np.float64), ranked.offsets[:-1][some])
    return sums


def _nonzero(counts: Indices) -> Floats:
    """Return counts with 0 replaced by NaN."""
    return np.where(counts > 0, counts, np.nan).astype(np.float64)
