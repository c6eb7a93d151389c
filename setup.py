"""What a wheel holds: the package, its shipped checkpoints, and the declarations of ``tasks/``.

All else stands in setup.cfg.
"""

from setuptools import find_packages, setup

DECLARATIONS = "fewshot_metalstm.tasks"
CHECKPOINT = (
    "model.safetensors", "heads.safetensors", "vocabulary.json", "sentences.bin", "config.json",
    "policy.json", "moments.safetensors",
)  # fmt: skip

setup(
    # Named, so that `tasks`, `tests`, `benchmarks` and `mlflow` are never shipped as packages.
    packages=[*find_packages(include=["fewshot_metalstm", "fewshot_metalstm.*"]), DECLARATIONS],
    package_dir={DECLARATIONS: "tasks"},
    package_data={
        "fewshot_metalstm": ["py.typed"],
        "fewshot_metalstm.kinds.tagging.corpora.demo": ["methods/*.conll"],
        "fewshot_metalstm.pages": ["templates/*"],
        "fewshot_metalstm.kinds.classification.pages": ["templates/*"],
        "fewshot_metalstm.kinds.tagging.annotate": ["templates/*"],
        "fewshot_metalstm.kinds.forecasting.pages": ["templates/*"],
        "fewshot_metalstm.kinds.tagging.pages": ["templates/*"],
        "fewshot_metalstm.kinds.translation.pages": ["templates/*"],
        "fewshot_metalstm.pretrained": [f"*/{name}" for name in (*CHECKPOINT, "MODEL_CARD.md")],
        DECLARATIONS: ["**/*.yaml", "**/*.json", "**/*.json.gz", "**/*.md"],
    },
    # Only what is listed above: a stray cache or a note beside the sources stays out.
    include_package_data=False,
)
