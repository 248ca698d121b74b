from tunespace.evaluation import DATASETS
from tunespace.evaluation.published_results import published, published_for


def test_every_number_says_where_it_is_from() -> None:
    assert len(published()) > 60
    for found in published():
        assert found.system
        assert found.source
        # Shares, not percent; ranks from 1.
        assert 0 < found.value <= 1 or (found.figure == "median_rank" and found.value >= 1)
    assert len(set(published())) == len(published())


def test_numbers_match_by_data_split_and_protocol() -> None:
    (found,) = published_for("emotify", "ttmr-test", "strongest-emotion")
    assert found.value == 0.3375
    assert not published_for("emotify", "all", "strongest-emotion")
    assert not published_for("", "", "sentence-to-music")


def test_fingerprints_need_a_minimum_of_sound() -> None:
    matching = 0
    for found in published():
        dataset = DATASETS.get(found.data)
        if dataset is not None and found.split in dataset.splits:
            assert found.protocol in {protocol.name for protocol in dataset.protocols}
            matching += 1
    assert matching > 30
