"""A checkpoint's policy when taggers are adapted: signals, recipes, and who has the last word."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.policy import Condition, Policy, Recipe, Rule
from fewshot_metalstm.encoders.reference import EncoderReference
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell, TaggingWork, run_cell
from fewshot_metalstm.kinds.tagging.adapt.from_support import NeighboursConfig
from fewshot_metalstm.kinds.tagging.adapt.policy import (
    GROUPS,
    HEAD,
    begun_anew,
    check_policy,
    decided,
    group_of,
    signals_of,
)
from fewshot_metalstm.kinds.tagging.adapt.recurrence import recurring
from fewshot_metalstm.kinds.tagging.tagger.model import (
    TAGGER,
    TaggerModel,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.mamlpp import MAMLPlusPlus
from tests.encoders.fakes import REFERENCE, FakeEncoder
from tests.kinds.tagging.tagger.builders import TARGET, encoded, model
from tests.kinds.tagging.tagger.test_starts import several

SHORT = {"epochs": 1, "min_steps": 2}
POLICY = Policy(
    {"near": Recipe(SHORT), "far": Recipe({**SHORT, "optimiser": "adam"}, {"basic": 1.0})},
    "near",
    (Rule("far", (Condition("own", least=0.3), Condition("shots", least=2))),),
)
SUPPORT = tuple(range(12))
USUAL = AdaptConfig()


def with_policy(policy: Policy = POLICY) -> TaggerModel:
    return replace(model(), policy=policy)


def cell(recipe: str = "auto", config: AdaptConfig = USUAL, tune: str = "all") -> TaggingCell:
    return TaggingCell("joint", 0, 0, SUPPORT, tune, config, recipe=recipe)


def test_signals_are_of_the_support_alone() -> None:
    made = model()
    support = [TARGET.split("train")[i] for i in SUPPORT]
    found = signals_of(made.learner, made.table(), support, TARGET.types)
    assert found == signals_of(made.learner, made.table(), support, TARGET.types)
    assert found["types"] == 2.0
    assert 0 < found["shots"] < 12
    assert found["known"] < 0.2, "fresh weights know nothing"
    assert found["recurring"] > 0.5, "the few names of the target come again and again"
    assert 0 <= found["probe"] < found["recurring"]
    assert found["own"] == found["recurring"] - found["probe"]
    assert found["loss"] > 0


def test_the_policy_chooses_and_says_why() -> None:
    made = with_policy()
    result = run_cell(cell(), made, TARGET, made.table())
    assert result.choice["recipe"] == "far"
    assert "own" in result.choice["why"]
    assert result.losses == run_cell(cell("far"), made, TARGET, made.table()).losses
    assert result.losses != run_cell(cell("near"), made, TARGET, made.table()).losses
    again = run_cell(cell(), made, TARGET, made.table())
    assert (again.losses, again.score, again.choice) == (result.losses, result.score, result.choice)


def test_what_the_user_sets_goes() -> None:
    made, bare = with_policy(), model()
    short = AdaptConfig(epochs=1, min_steps=2)
    for asked in (cell(config=short), cell("none", short)):
        result = run_cell(asked, made, TARGET, made.table())
        assert result.choice == {}
        assert result.losses == run_cell(asked, bare, TARGET, bare.table()).losses
    assert run_cell(cell("near"), made, TARGET, made.table()).choice["why"] == "as it was asked for"
    assert decided("auto", POLICY, replace(USUAL, lexicon=0.0), "all") is POLICY
    assert decided("auto", POLICY, USUAL, "basic") is None


def test_a_checkpoint_without_a_policy_is_adapted_as_the_settings_say() -> None:
    made = model()
    work = TaggingWork(cell(), made, TARGET, made.table())
    start = work.start()
    assert start.config is None
    assert start.choice is None
    with pytest.raises(UserError, match="recipe 'far': the checkpoint has no policy"):
        decided("far", None, USUAL, "all")
    with pytest.raises(UserError, match="recipe 'far' tunes all, not head"):
        decided("far", POLICY, USUAL, "head")


def test_groups_begin_anew_and_others_are_kept() -> None:
    made, fresh = model().learner, model().learner
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.add_(1.0)
    mixed = begun_anew(made, fresh, {"basic": 1.0, "head": 0.25})
    new = dict(fresh.named_parameters())
    for name, value in made.named_parameters():
        share = {"basic": 1.0, "head": 0.25}.get(group_of(name), 0.0)
        torch.testing.assert_close(
            mixed.get_parameter(name), value + share * (new[name] - value), msg=name
        )
    assert {group_of(n) for n in new} == {"basic", "head", "meta", "characters"}
    with pytest.raises(UserError, match="the policy has the group 'tail'; a tagger has characters"):
        begun_anew(made, fresh, {"tail": 1.0})


def test_what_was_learned_beside_the_weights_is_kept() -> None:
    made, fresh = model().learner, model().learner
    MAMLPlusPlus().prepare(made)
    every = dict.fromkeys((*GROUPS, HEAD), 1.0)
    kept = dict(begun_anew(made, fresh, every).named_parameters())
    own = [name for name in kept if name.startswith(f"{OWN}.")]
    assert own
    for name in own:
        torch.testing.assert_close(kept[name], made.get_parameter(name))


def test_it_is_kept_beside_the_weights_under_a_digest(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    save_model(with_policy(), folder)
    assert load_model(folder).policy == POLICY
    file = folder / "policy.json"
    assert json.loads(file.read_text())["usual"] == "near"
    file.write_text(file.read_text().replace("0.3", "0.4"))
    with pytest.raises(UserError, match=r"policy\.json: is damaged \(its SHA-256 differs\)"):
        load_model(folder)
    save_model(model(), folder)
    assert load_model(folder).policy is None
    assert not file.exists()


def test_the_saved_tagger_says_what_it_was_adapted_by(tmp_path: Path) -> None:
    made = with_policy()
    asked = replace(cell(), save=tmp_path / "t", score=False)
    result = run_cell(asked, made, TARGET, made.table())
    read = load_model(tmp_path / "t")
    assert read.about["recipe"] == result.choice
    assert read.policy is None


def test_settings_that_a_recipe_cannot_have_are_told() -> None:
    made = with_policy(Policy({"near": Recipe({"epochs": -1})}, "near"))
    with pytest.raises(UserError, match="epochs is -1"):
        run_cell(cell(), made, TARGET, made.table())


@pytest.mark.parametrize("parts", [("near", "far"), ("near", "far", "fresh")])
def test_a_recipe_may_be_the_mean_of_others(parts: tuple[str, ...], tmp_path: Path) -> None:
    fresh = Recipe({"optimiser": "adam"}, dict.fromkeys((*GROUPS, HEAD), 1.0))
    weights = (1.0, 3.0, 2.0)[: len(parts)]
    recipes = {**POLICY.recipes, "fresh": fresh, "both": Recipe(mean=parts, weights=weights)}
    made = with_policy(replace(POLICY, recipes=recipes))
    asked = replace(cell("both"), save=tmp_path / "t")
    result = run_cell(asked, made, TARGET, made.table())
    support = [TARGET.split("train")[i] for i in SUPPORT]
    batch = encoded(made.table(), support, TARGET.types)
    read = load_model(tmp_path / "t")
    emissions = []
    for name in parts:
        work = TaggingWork(cell(name), made, TARGET, made.table())
        start = work.start()
        emissions.append(start.learner.emissions_with(work.adapt(start).params, batch))
    shares = torch.tensor(weights) / sum(weights)
    mean = torch.einsum("n,n...->...", shares, torch.stack(emissions))
    torch.testing.assert_close(read.learner.emissions(batch), mean, rtol=1e-4, atol=1e-4)
    assert read.about["recipe"]["recipe"] == "both"
    text = replace(asked, unlabelled=tuple(s.tokens for s in support), save=None)
    again = run_cell(text, made, TARGET, made.table())
    assert again.losses != result.losses
    assert again.score is not None


def test_what_is_for_any_mention_depends_on_how_many_recur() -> None:
    made = with_policy(Policy({"near": Recipe({"mentions": 2.0})}, "near"))
    plain = with_policy(Policy({"near": Recipe()}, "near"))
    biases = {}
    for name, model_ in (("more", made), ("plain", plain)):
        few = replace(cell(), support=SUPPORT[:5])
        work = TaggingWork(few, model_, TARGET, model_.table())
        adapted = work.adapt(work.start())
        biases[name] = adapted.params["head_outside_bias"].item()
        again = recurring(work.support)
    assert 0 < again < 1, "some mentions of this support recur, and others do not"
    assert biases["plain"] - biases["more"] == pytest.approx(2.0 * (1 - again))


def test_what_the_user_sets_goes_beside_a_recipe_that_is_named() -> None:
    recipes = {**POLICY.recipes, "both": Recipe({"mentions": 2.0}, mean=("near", "far"))}
    made = with_policy(replace(POLICY, recipes=recipes))
    asked = cell("both", AdaptConfig(mentions=9.0, momentum=0.5))
    start = TaggingWork(asked, made, TARGET, made.table()).start()
    configs = [part.config for part in start.parts if part.config]
    assert [(config.mentions, config.momentum) for config in configs] == [(9.0, 0.5)] * 2
    nearest = replace(cell("both"), tune="nnshot", config=NeighboursConfig())
    with pytest.raises(UserError, match="recipe 'both' adapts a tagger, and nnshot tunes nothing"):
        TaggingWork(nearest, made, TARGET, made.table()).start()


def test_a_policy_that_is_none_for_taggers() -> None:
    check_policy(POLICY, "there")
    typo = replace(POLICY, rules=(Rule("far", (Condition("owm", least=0.3),)),))
    with pytest.raises(UserError, match=r"^there: has the signal 'owm', which a tagger has not"):
        check_policy(typo, "there")
    with pytest.raises(UserError, match="has the group 'tail', which a tagger has not; use char"):
        check_policy(Policy({"near": Recipe({}, {"tail": 1.0})}, "near"), "there")


def test_a_mean_gives_its_settings_to_its_parts() -> None:
    recipes = {**POLICY.recipes, "both": Recipe({"epochs": 3, "lr": 0.5}, mean=("near", "far"))}
    made = with_policy(replace(POLICY, recipes=recipes))
    start = TaggingWork(cell("both"), made, TARGET, made.table()).start()
    assert [part.config.epochs for part in start.parts if part.config] == [3, 3]
    far = start.parts[1].config
    assert far is not None
    assert (far.optimiser, far.lr) == (POLICY.recipes["far"].settings["optimiser"], 0.5)


@pytest.mark.parametrize("recipe", ["near", "near-2", "near-3"])
def test_what_is_adapted_from_several_starts_is_one_tagger(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EncoderReference, "opened", lambda _: FakeEncoder())
    policy = POLICY.for_starts(3)
    made = replace(several(), policy=policy)
    asked = replace(cell(recipe), save=tmp_path / "t")
    table = made.table()
    result = run_cell(asked, made, TARGET, table)
    support = [TARGET.split("train")[i] for i in SUPPORT]
    parts = policy.recipes[recipe].mean or (recipe,)
    emissions = []
    for part in parts:
        number = policy.recipes[part].start
        # As if that start were the only one.
        alone = replace(made.of_start(number), policy=POLICY)
        own_table = alone.table()
        work = TaggingWork(cell(part.partition("-")[0]), alone, TARGET, own_table)
        start = work.start()
        batch = encoded(own_table, support, TARGET.types)
        emissions.append(start.learner.emissions_with(work.adapt(start).params, batch))
    read = load_model(tmp_path / "t", TAGGER)
    found = read.learner.emissions(encoded(read.table(), support, TARGET.types))
    torch.testing.assert_close(found, torch.stack(emissions).mean(0), rtol=1e-3, atol=1e-3)
    assert result.score is not None
    assert read.encoder == (REFERENCE if len(parts) > 1 or recipe == "near-3" else None)
    text = replace(asked, unlabelled=tuple(s.tokens for s in support), save=None)
    assert run_cell(text, made, TARGET, table).losses != result.losses


def test_a_tagger_whose_weights_are_all_generated_may_be_in_a_mean() -> None:
    plain = model()
    sizes = replace(plain.learner.config, lstm=replace(plain.learner.config.lstm, static=False))
    learner = new_tagger(sizes, plain.vectors, plain.alphabet, 7)
    mean = Policy({**POLICY.recipes, "both": Recipe(mean=("near", "far"))}, "both")
    made = replace(plain, learner=learner, policy=mean)
    result = run_cell(cell("both"), made, TARGET, made.table())
    assert result.score is not None


def test_fresh_weights_of_each_start_are_its_own() -> None:
    first = several()
    made = replace(first, further=first.further[:1], policy=POLICY.for_starts(2))
    work = TaggingWork(cell(), made, TARGET, made.table())
    one, other = work._fresh(0), work._fresh(1)
    assert not torch.equal(one.head_outside, other.head_outside)
