"""What a wheel holds: the package, and the declarations of ``tasks/`` as its data.

All else stands in setup.cfg.
"""

from setuptools import find_packages, setup

DECLARATIONS = "fewshot_metalstm.tasks"

setup(
    # Named, so that `tasks`, `tests`, `benchmarks` and `mlflow` are never shipped as packages.
    packages=[*find_packages(include=["fewshot_metalstm", "fewshot_metalstm.*"]), DECLARATIONS],
    package_dir={DECLARATIONS: "tasks"},
    package_data={
        "fewshot_metalstm": ["py.typed"],
        DECLARATIONS: ["**/*.yaml", "**/*.json", "**/*.json.gz", "**/*.md"],
    },
    # Only what is listed above: a stray cache or a note beside the sources stays out.
    include_package_data=False,
)
