"""Content × behaviour × predictor: what goes together trains, what does not is refused."""

import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import load_arms, parse
from recfeat_pipeline.models.families.operators import build, family, is_product, load
from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.operators.operator import (
    BEHAVIOUR,
    CONTENT,
    PREDICTOR,
    Known,
    load_operator,
)
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.operators.tower import OperatorTower
from recfeat_pipeline.models.operators.words import numbered
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline_tests.unit.models.worlds import (
    NO_CONTENT,
    PARITY,
    TEXTS,
    checkerboard,
    make_content,
    make_data,
    text_content,
)

DATA = make_data(checkerboard(n_users=60))
QUICK = Settings(width=8, window=8, batch_size=128, words=6, rank=4, hidden=8, negatives=10)


def content_for(settings: Settings) -> Content:
    read = load_operator("content", settings.content).reads
    held = {"ids": NO_CONTENT, "numbers": make_content(PARITY), "text": text_content()}
    return held[read]


def triples(contents: list[str]) -> list[tuple[str, str, str]]:
    return [
        (content, behaviour, predictor)
        for content, behaviour, predictor in product(contents, BEHAVIOUR.names(), PREDICTOR.names())
        if predictor == "dot" or behaviour != "poly"
    ]


def trained(settings: Settings, steps: int = 2):
    """The module after a few steps; every parameter has had a gradient."""
    module = build(DATA, content_for(settings), Recipe(settings))
    made = module.configure_optimizers()
    users = module.learnt(DATA.examples)[0]
    for _ in range(steps):
        loss = module.training_step(users)
        made["optimizer"].zero_grad()
        loss.backward()
        assert torch.isfinite(loss)
        made["optimizer"].step()
        module.global_step += 1
    idle = [n for n, p in module.tower.named_parameters() if p.requires_grad and p.grad is None]
    assert not idle
    return module.eval()


PLAIN = [name for name in CONTENT.names() if name != "language_model"]


@pytest.mark.parametrize("triple", triples(PLAIN), ids="-".join)
def test_every_compatible_triple_learns_and_ranks(triple):
    content, behaviour, predictor = triple
    module = trained(replace(QUICK, content=content, behaviour=behaviour, predictor=predictor))
    held = DATA.held_out("valid")
    rows = torch.from_numpy(np.flatnonzero(DATA.examples["split"] == "valid"))
    ranks = module.ranks(rows, held)
    assert ranks.min() >= 1
    assert len(ranks) == len(held.targets)


def test_how_many_triples_there_are():
    assert len(triples(CONTENT.names())) == 7 * (4 * 3 + 1)


ARM = 'title = "x"\nrole = "content"\nsection = "operators"\n[model]\nfamily = "operators"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('content = "cnn"', """'cnn' reads text: give the arm sources = ["words"]"""),
        ('content = "id"\n[content]\nsources = ["llm"]', "'id' reads ids: give the arm no"),
        ('[content]\nsources = ["words"]', "'pooled' reads numbers: give the arm other sources"),
        ('content = "id"\nbehaviour = "poly"\npredictor = "mlp"', "gives several states, and"),
        ('content = "id"\nbehaviour = "poly"\npredictor = "cross"', "'cross' takes one"),
        ('content = "id"\nbehaviour = "gro"', "No behaviour operator 'gro'; did you mean 'gru'?"),
        ('content = "id"\n[train]\ndecoupled = true', "an id has no content"),
        ('content = "id"\nheads = 3', "heads = 3 do not divide width = 64"),
        ('content = "language_model"\n[content]\nsources = ["words"]', "needs language_model"),
        (
            'content = "cnn"\n[content]\nsources = ["words"]\ncontrol = "random"',
            "its control is shuffled",
        ),
        ('content = "cnn"\n[content]\nsources = ["words", "llm"]', "it stands alone"),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_sentence(text, said):
    with pytest.raises(RecfeatError, match=r"mine\.toml") as caught:
        _ = parse("mine.toml", ARM + text).settings
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_text_is_no_content_of_other_families():
    arm = ARM.replace('"operators"\n', '"ease"\n') + '[content]\nsources = ["words"]'
    with pytest.raises(RecfeatError, match="the family ease reads numbers, and the source 'words'"):
        _ = parse("mine.toml", arm).settings


@pytest.mark.parametrize("behaviour", BEHAVIOUR.names())
def test_a_state_knows_nothing_of_what_comes_later(behaviour):
    tower = OperatorTower(Known(10), replace(QUICK, content="id", behaviour=behaviour)).eval()
    states, others = (tower.states_of(torch.tensor([[1, 2, 3, last]])) for last in (4, 5))
    torch.testing.assert_close(states[:, :3], others[:, :3])
    assert not torch.allclose(states[:, 3], others[:, 3])


@pytest.mark.parametrize("behaviour", [b for b in BEHAVIOUR.names() if b != "self_attention"])
def test_states_are_those_of_the_histories_up_to_there(behaviour):
    """What is learnt at a place is what is asked at test, however many empty places are before.

    Self-attention tells places by how far they are from the window's end, as SASRec here does.
    """
    settings = replace(QUICK, content="id", behaviour=behaviour, window=6)
    tower = OperatorTower(Known(10), settings, seed=3).eval()
    history = torch.tensor([[1, 2, 3, 4]])
    longer = torch.nn.functional.pad(history, (2, 0), value=10)
    states = tower.states_of(longer)[:, 2:]
    for place in range(4):
        newest_first = torch.full((1, 6), 10)
        newest_first[:, : place + 1] = history[:, : place + 1].flip(1)
        asked = tower.user_vectors(Context(newest_first, torch.ones(1, 6), torch.zeros(1)))
        torch.testing.assert_close(asked[..., :-1], states[:, place])


@pytest.mark.parametrize(("behaviour", "predictor"), [
    ("mean", "dot"), ("poly", "dot"), ("mean", "mlp"), ("mean", "cross")
])  # fmt: skip
def test_a_pair_is_scored_alike_alone_and_among_all(behaviour, predictor):
    settings = replace(QUICK, content="id", behaviour=behaviour, predictor=predictor)
    tower = OperatorTower(Known(10), settings, seed=1).eval()
    users = torch.nn.functional.pad(
        tower.states_of(torch.tensor([[1, 2], [3, 4], [5, 6]]))[:, -1], (0, 1), value=1.0
    )
    items = tower.item_vectors()
    every = tower.all_pairs(users, items)
    assert every.shape == (3, 10)
    alone = tower.paired(users, items[[7, 8, 9]])
    torch.testing.assert_close(alone, every[[0, 1, 2], [7, 8, 9]])


def test_a_single_vector_and_a_product_are_what_can_be_exported():
    plain = Settings()
    assert is_product(plain)
    assert not is_product(replace(plain, behaviour="poly"))
    assert not is_product(replace(plain, predictor="mlp"))


def test_words_are_those_that_two_texts_have():
    rows, n_words = numbered(["A film of a film", "Film noir", "of", ""], length=3, most=9)
    assert n_words == 2, "film and of; a and noir are of one text"
    film, of = rows[1, 0].item(), rows[2, 0].item()
    assert rows.tolist() == [[film, of, film], [film, 0, 0], [of, 0, 0], [0, 0, 0]]
    assert numbered(["of film", "of film", "of"], 2, most=1)[0].tolist() == [[1, 0]] * 3


@pytest.mark.parametrize("decoupled", [False, True])
def test_words_tell_of_an_item_that_nobody_has_taken_also_when_content_learns_first(
    decoupled, tmp_path
):
    gone = (DATA.events["item_index"] == 6) & (DATA.events["split"] == "train")
    data = make_data(DATA.events.filter(~gone), new=np.arange(20) == 6)
    settings = replace(
        QUICK, content="attention", learning_rate=3e-2, dropout=0.0, decoupled=decoupled
    )
    recipe = Recipe(settings, steps=6, out_dir=tmp_path)
    found = family.fit(data, text_content(), recipe)
    test = data.held_out("test")
    even = test.known.histories(0, len(test.targets), 20).dense(0, len(test.targets))[:, ::2].sum(1)
    of_new = found.over(test)(0, len(test.targets))[:, 6].numpy().copy()
    assert of_new[even > 0].mean() > of_new[even == 0].mean()
    again = load(data, text_content(), recipe).over(test)(0, len(test.targets))[:, 6].numpy()
    np.testing.assert_allclose(again, of_new, rtol=1e-5)
    kept = {path.name for path in tmp_path.iterdir()}
    assert ("rows.pt" in kept) == decoupled
    assert "content" not in kept, "the lake moves files, not folders"


def test_joint_and_decoupled_are_two_arms_of_one_triple():
    arms = load_arms()
    joint, apart = arms["operators_words"], arms["operators_words_decoupled"]
    assert replace(apart.settings, decoupled=False) == joint.settings
    assert apart.content == joint.content


@pytest.fixture(scope="module")
def language_model(tmp_path_factory) -> str:
    """A folder with a BERT of two layers that has learnt nothing, and words for tokens."""
    pytest.importorskip("peft", reason="the extra `language` is not installed")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "even": 2, "odd": 3, "number": 4, "film": 5}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=6, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=8,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return str(folder)


def test_frozen_layers_are_read_once_and_change_nothing(language_model):
    """Before LoRA has learnt, kept states through the upper layers are those of the whole model."""
    from transformers import AutoModel, AutoTokenizer

    settings = replace(QUICK, content="language_model", language_model=language_model)
    module = build(DATA, text_content(), Recipe(settings))
    said = module.tower.said.eval()
    tokens = AutoTokenizer.from_pretrained(language_model)(
        TEXTS, padding="longest", return_tensors="pt"
    )
    whole = AutoModel.from_pretrained(language_model).eval()
    with torch.no_grad():
        wanted = whole(tokens["input_ids"], tokens["attention_mask"]).last_hidden_state
        got = said.states(torch.arange(20))
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5)
    learns = {name for name, each in said.named_parameters() if each.requires_grad}
    assert learns == {n for n, _ in said.named_parameters() if "lora_" in n or n == "out.weight"}


@pytest.mark.parametrize("triple", triples(["language_model"]), ids="-".join)
def test_a_language_model_goes_with_every_other_operator(triple, language_model):
    content, behaviour, predictor = triple
    settings = replace(QUICK, content=content, behaviour=behaviour, predictor=predictor)
    trained(replace(settings, language_model=language_model))


def test_without_the_extra_or_the_model_a_sentence_says_so(monkeypatch, tmp_path):
    settings = replace(QUICK, content="language_model", language_model=str(tmp_path))
    if "peft" in sys.modules:  # installed, and imported above
        with pytest.raises(RecfeatError, match="cannot be read"):
            build(DATA, text_content(), Recipe(settings))
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(RecfeatError, match=r"pip install 'recfeat_pipeline\[language\]'"):
        build(DATA, text_content(), Recipe(settings))
