import re
from itertools import combinations, permutations, product
from pathlib import Path

import pytest
import torch
import yaml

from tiny_music import SMALL
from tunespace.errors import TrainingError
from tunespace.training.recipe.catalogue import catalogue, recipe_names
from tunespace.training.recipe.recipe import load_recipe, preset_overrides


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_every_recipe_and_each_of_its_presets_can_be_read(entry: object) -> None:
    name, presets = entry.name, entry.presets  # type: ignore[attr-defined]
    assert load_recipe(name).name == name
    assert "paper" in presets
    for preset in presets:
        load_recipe(name, presets=[preset])


def test_the_grid_of_ttmr_is_three_switches() -> None:
    found = {
        load_recipe(
            "ttmr2023",
            changes=[f"text_tower.kind={t}", f"loss.kind={loss}", f"captions.kind={kind}"],
        ).as_yaml()
        for t, loss, kind in product(
            ("words", "encoder"), ("infonce", "triplet"), ("tag", "tags", "stochastic")
        )
    }
    assert len(found) == 12


def test_changing_the_kind_discards_the_keys_of_the_old_kind() -> None:
    recipe = load_recipe("ttmr2023", changes=["loss.kind=triplet", "loss.margin=0.3"])
    assert recipe.loss.model_dump() == {
        "kind": "triplet",
        "margin": 0.3,
        "anchor": "both",
        "negatives": "random",
        "reduction": "mean",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("loss.temprature=0.1", "unknown key: loss.temprature (did you mean loss.temperature?)"),
        ("loss.kind=tripplet", "loss.kind 'tripplet' is none of"),
        ("schedule.batch_size=many", "schedule.batch_size should be a valid integer, not 'many'"),
        (
            "schedule.batch_size=1",
            "schedule.batch_size should be greater than or equal to 2, not 1",
        ),
        ("front_end.f_max=9000.0", "0 <= f_min < f_max <= sample_rate / 2 must hold"),
        ("colour=blue", "unknown key: colour"),
        ("loss", "'loss' is not of the form key=value"),
        ("loss=[", "the value is not valid YAML"),
        ("loss=3", "loss should be a valid"),
    ],
)
def test_invalid_input_is_reported_in_one_sentence(change: str, message: str) -> None:
    with pytest.raises(TrainingError) as caught:
        load_recipe("ttmr2023", changes=[change])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_names_list_the_valid_choices() -> None:
    with pytest.raises(TrainingError, match="ttmr2023"):
        load_recipe("ttmr2032")
    with pytest.raises(TrainingError, match="choose from paper"):
        load_recipe("ttmr2023", presets=["papers"])


@pytest.mark.parametrize("name", recipe_names())
def test_the_order_of_presets_does_not_matter(name: str) -> None:
    [presets] = [entry.presets for entry in catalogue() if entry.name == name]
    for size in range(2, len(presets) + 1):
        for chosen in combinations(presets, size):
            outcomes = set()
            for order in permutations(chosen):
                try:
                    outcomes.add(load_recipe(name, presets=order).as_yaml())
                except TrainingError as error:
                    outcomes.add(str(error))
            assert len(outcomes) == 1, chosen
            if "contradict" not in outcomes.pop():
                load_recipe(name, presets=chosen)


def test_presets_compose_as_their_names_say() -> None:
    both = load_recipe("ttmr2023", presets=["glove", "paper"])
    assert (both.text_tower.kind, both.schedule.epochs) == ("words", 100)
    fusion = load_recipe("clap2023", presets=["paper", "fusion"])
    assert (fusion.audio_tower.fusion, fusion.audio_tower.width) == (True, 96)  # type: ignore[union-attr]
    assert fusion.seconds == 30.72
    ast = load_recipe("mulan2022", presets=["ast", "paper"]).audio_tower
    assert (ast.kind, ast.width, ast.layers) == ("ast", 768, 12)  # type: ignore[union-attr]
    with pytest.raises(TrainingError, match="random and balanced contradict each other"):
        load_recipe("won2021", presets=["balanced", "random"])


def test_what_one_preset_changes_of_another_is_reported() -> None:
    assert preset_overrides("clap2023", ["paper", "fusion"]) == [
        "fusion sets seconds to 30.72 (paper: 10.0)"
    ]
    clauses = preset_overrides("ttmr2023", ["glove", "paper"])
    assert "glove drops text_tower.pooling (paper: first)" in clauses
    assert "glove sets schedule.learning_rate to 0.001 (paper: 5e-05)" in clauses
    assert preset_overrides("ttmr2023", ["paper"]) == []


def test_a_recipe_can_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(load_recipe("ttmr2023", changes=SMALL).as_yaml())
    assert load_recipe(str(path)).projection.dim == 8
    path.write_text("name: [")
    with pytest.raises(TrainingError, match="cannot be read"):
        load_recipe(str(path))
    path.write_text("- a list")
    with pytest.raises(TrainingError, match="no keys"):
        load_recipe(str(path))


def test_factors_are_read_as_written() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        assert type(recipe).model_validate(yaml.safe_load(recipe.as_yaml())) == recipe


def test_recipes_are_listed_without_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from tunespace.cli.app import app; "
        "app(['recipes', '--json'], standalone_mode=False); "
        "assert 'torch' not in sys.modules and 'pydantic' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert "ttmr2023" in done.stdout
    assert torch is not None


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("1E-4", 1e-4), ("1.0e-4", 1e-4), ("2e+1", 20), (".5e1", 5)]
)
def test_numbers_with_an_exponent_are_numbers(text: str, value: float, tmp_path: Path) -> None:
    recipe = load_recipe("ttmr2023", changes=[f"schedule.learning_rate={text}"])
    assert recipe.schedule.learning_rate == value
    file = tmp_path / "mine.yaml"
    lines = load_recipe("ttmr2023").as_yaml().splitlines()
    changed = [re.sub(r"learning_rate: .*", f"learning_rate: {text}", line) for line in lines]
    file.write_text("\n".join(changed))
    assert load_recipe(str(file)).schedule.learning_rate == value


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        (
            "choi2019",
            {
                "loss.reduction": "sum",
                "audio_tower.kernel_l2": 1e-5,
                "projection.skip_audio": True,
                "schedule.optimizer": "sgd",
                "schedule.weight_decay": 0.0,
                "schedule.step_decay": 1e-6,
                "schedule.decay": "plateau",
                "schedule.max_grad_norm": 0.0,
            },
        ),
        (
            "won2021",
            {
                "projection.skip_audio": True,
                "schedule.decay": "constant",
                "schedule.warmup_fraction": 0.0,
                "schedule.weight_decay": 1e-4,
            },
        ),
        ("doh2024-mwe", {"schedule.weight_decay": 1e-6, "schedule.decay": "plateau"}),
        (
            "muscall2022",
            {
                "schedule.cosine_fraction": 0.1,
                "schedule.adam_beta2": 0.98,
                "schedule.adam_eps": 1e-6,
            },
        ),
        ("muser2022", {"schedule.weight_decay": 0.0, "schedule.warmup_fraction": 0.25}),
        ("clap2023", {"schedule.weight_decay": 0.0, "schedule.adam_beta2": 0.999}),
        ("ttmr2023", {"schedule.min_learning_rate": 1e-9, "schedule.weight_decay": 0.0}),
        ("ttmrpp2024", {"schedule.min_learning_rate": 1e-9}),
    ],
)
def test_the_preset_paper_has_the_optimizer_of_the_original(
    name: str, keys: dict[str, object]
) -> None:
    values = load_recipe(name, presets=["paper"]).model_dump()
    for key, wanted in keys.items():
        section, field = key.split(".")
        assert values[section][field] == wanted, key
