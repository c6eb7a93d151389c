"""Packages that some baselines need, or a skip with a message; and a tiny pretrained model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from fewshot_metalstm.encoders.hugging_face import transformers_package
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import SpacyConfig, check_spacy

LETTERS = [chr(code) for code in range(33, 127)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{c}" for c in LETTERS)]


def spacy_or_skip() -> None:
    """Skips the test where spaCy is not installed, saying so."""
    try:
        check_spacy(SpacyConfig())
    except UserError as absent:
        pytest.skip(str(absent))


def transformers_or_skip() -> Any:
    """The package transformers; where it is not installed the test is skipped, saying so."""
    try:
        return transformers_package()
    except UserError as absent:
        pytest.skip(str(absent))


def tiny_bert(folder: Path, *, labels: Sequence[str] = (), positions: int = 64) -> Path:
    """A BERT with random weights whose subwords are characters; a tagger if it has ``labels``."""
    transformers = transformers_or_skip()
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=positions, pad_token_id=0,
        hidden_dropout_prob=0.05, attention_probs_dropout_prob=0.05,
    )  # fmt: skip
    if labels:
        config.id2label = dict(enumerate(labels))
    kind = transformers.BertForTokenClassification if labels else transformers.BertModel
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = kind(config)
    folder.mkdir(parents=True, exist_ok=True)
    bars = transformers.utils.logging
    bars.disable_progress_bar()
    try:
        model.save_pretrained(folder)
    finally:
        bars.enable_progress_bar()
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(_word_pieces()), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "BertTokenizerFast", "do_lower_case": False, "unk_token": "[UNK]",
        "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]",
    }))  # fmt: skip
    return folder


def _word_pieces() -> dict[str, Any]:
    """The tokenizer's file: words at blanks, then characters."""
    special = [
        {"id": i, "content": VOCABULARY[i], "special": True, "single_word": False,
         "lstrip": False, "rstrip": False, "normalized": False}
        for i in range(4)
    ]  # fmt: skip
    start, end = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]"))
    frame = [start, {"Sequence": {"id": "A", "type_id": 0}}, end]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
            "strip_accents": None, "lowercase": False,
        },
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing", "single": frame, "pair": [
                *frame, {"Sequence": {"id": "B", "type_id": 1}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 1}},
            ],
            "special_tokens": {
                name: {"id": name, "ids": [VOCABULARY.index(name)], "tokens": [name]}
                for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {v: i for i, v in enumerate(VOCABULARY)},
        },
    }  # fmt: skip
