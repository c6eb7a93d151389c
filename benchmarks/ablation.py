"""What sharing at the function level brings: generated or plain weights, adapted in three ways.

Run as ``python -m benchmarks.ablation --output FOLDER``. For each form of the tagger's LSTM it
meta-trains a checkpoint, unless ``--checkpoint`` names one, on the same suite with the same budget
and seed; then one sweep adapts every checkpoint with each of ``--tune`` basic, head and all:

- ``generated``: Meta-LSTM and basic LSTM. ``basic`` leaves the Meta-LSTM as it was meta-learned,
  ``all`` tunes it too, ``head`` tunes neither of the two;
- ``plain``: one LSTM without Meta-LSTM, of as many parameters, which ``basic`` tunes as a whole;
- ``paper``, if ``--forms`` names it: generated weights alone, without static term.

Tables are printed and written to ``FOLDER/ablation.md``. What was stopped goes on with the same
command; what is finished is kept.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import peer
from benchmarks.transfer import Line, digests_of, in_order, markdown, read_cells, table
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.figure import Spread
from fewshot_metalstm.kinds.tagging.adapt.tuning import tuned_names
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, load_model
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.cells import LSTM
from fewshot_metalstm.writing import write_text

FORMS: Mapping[str, MetaLSTMConfig] = {
    "generated": MetaLSTMConfig(),
    "plain": replace(MetaLSTMConfig(), kind=LSTM),
    "paper": replace(MetaLSTMConfig(), static=False, offset=0.0),
}
TUNE = ("basic", "head", "all")
_TELLS = ("kind", "static", "offset")  # what tells the forms apart; sizes are the user's


def main(arguments: Sequence[str]) -> int:
    """Meta-train what is missing, sweep, write the tables; the exit code."""
    given = _parser().parse_args(arguments)
    try:
        folders = folders_of(given.forms.split(","), given.checkpoint, given.output)
        for form, folder in folders.items():
            if folder == given.output / form:  # a finished run is told from one that was stopped
                _run(training(form, folder, given.tasks, given.train_set))
        sizes = parameters(folders)
        sweep = given.output / "sweep"
        _run(sweeping(folders, sweep, given))
        cells = read_cells([sweep])
        methods = in_order([sweep], cells)
        against = given.against or methods[0]
        lines = table(cells, methods, against)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as problem:
        return problem.returncode  # the command has said why
    synthetic = json.loads((sweep / "report.json").read_text(encoding="utf-8"))["synthetic"]
    digests = digests_of(cells, methods)
    page = "\n".join([
        *sizes, "", *summary(lines, methods, against), "",
        markdown(lines, against, digests, synthetic),
    ])  # fmt: skip
    write_text(page, given.output / "ablation.md")
    print(page)
    return 0


def folders_of(forms: Sequence[str], given: Sequence[str], output: Path) -> dict[str, Path]:
    """Where the run of each form is, or will be.

    Args:
        given: ``FORM=FOLDER`` of runs that are there already.

    Raises:
        UserError: an unknown form.
    """
    folders = {form: output / form for form in forms}
    for text in given:
        form, _, folder = text.partition("=")
        if form not in folders or not folder:
            raise UserError(
                f"--checkpoint {text}: write FORM=FOLDER with a form of {', '.join(forms)}"
            )
        if not (Path(folder) / "checkpoint").is_dir():
            raise UserError(f"--checkpoint {text}: no run there; give what meta-train wrote")
        folders[form] = Path(folder)
    for form in forms:
        if form not in FORMS:
            raise UserError(f"--forms: {form!r} is unknown; use {', '.join(FORMS)}")
    return folders


def training(form: str, folder: Path, tasks: str, more: Sequence[str]) -> list[str]:
    """The command that meta-trains a form; it goes on where it was stopped."""
    config, usual = FORMS[form], MetaLSTMConfig()
    own = [
        f"tagger.lstm.{name}={json.dumps(getattr(config, name))}"
        for name in _TELLS if getattr(config, name) != getattr(usual, name)
    ]  # fmt: skip
    resume = ["--resume"] if (folder / "state" / "training.safetensors").is_file() else []
    return ["meta-train", "--tasks", tasks, "--output", str(folder), *resume,
            *_settings([*own, *more])]  # fmt: skip


def sweeping(folders: Mapping[str, Path], sweep: Path, given: argparse.Namespace) -> list[str]:
    """The command that adapts every checkpoint in every way."""
    methods = [
        f"{form}-{tune}={folder}:tune={tune}" for form, folder in folders.items() for tune in TUNE
    ]
    return ["sweep", "--targets", given.targets, "--shots", given.shots, "--draws", given.draws,
            "--methods", ",".join(methods), "--output", str(sweep),
            *_settings(given.set)]  # fmt: skip


def parameters(folders: Mapping[str, Path]) -> list[str]:
    """How large the LSTMs are, and how many parameters each way to adapt tunes, as a table.

    Raises:
        UserError: a checkpoint of another form than it is given for.
    """
    rows: list[Sequence[str]] = [("form", "LSTM", "whole tagger", *(f"tunes {t}" for t in TUNE))]
    for form, folder in folders.items():
        learner = load_model(folder / "checkpoint", CHECKPOINT).learner
        for name in _TELLS:
            found, wanted = (getattr(c, name) for c in (learner.config.lstm, FORMS[form]))
            if found != wanted:
                raise at(
                    folder / "checkpoint", None, f"has tagger.lstm.{name}={found}, not {wanted}",
                    f"give a run of the form {form}",
                )  # fmt: skip
        sizes = {name: value.numel() for name, value in learner.named_parameters()}
        groups = [[n for n in sizes if n.startswith("lstm.")], tuned_names(learner, "all"),
                  *(tuned_names(learner, tune) for tune in TUNE)]  # fmt: skip
        rows.append((form, *(f"{sum(sizes[n] for n in names):,}" for names in groups)))
    return ["Parameters (a head for one entity type, without word vectors):", "", *_markdown(rows)]


def summary(lines: Sequence[Line], methods: Sequence[str], against: str) -> list[str]:
    """Means over the targets: of every draw first, then over the draws that all targets have."""
    every = {(line.target, line.shots, line.method): line.draws for line in lines}
    targets = list(dict.fromkeys(line.target for line in lines))
    shots = sorted({line.shots for line in lines})

    def means(method: str, k: int) -> dict[int, float]:
        own = [every.get((target, k, method), {}) for target in targets]
        draws = set.intersection(*map(set, own))
        return {draw: sum(d[draw] for d in own) / len(own) for draw in sorted(draws)}

    columns = [text for k in shots for text in (f"K={k or 'all'}", f"less {against}")]
    rows: list[Sequence[str]] = [("method", *columns)]
    for method in methods:
        row = [method]
        for k in shots:
            own, base = means(method, k), means(against, k)
            paired = [f1 - base[draw] for draw, f1 in own.items() if draw in base]
            row.append(Spread.of(list(own.values())).text() if own else "")
            row.append(Spread.of(paired).text("+") if paired and method != against else "")
        rows.append(row)
    return [f"Mean over {', '.join(targets)}:", "", *_markdown(rows)]


def _run(arguments: Sequence[str]) -> None:
    """Run a command of ours, after saying it; ``CalledProcessError`` where it fails."""
    print(f"$ {shlex.join(['fewshot-metalstm', *arguments])}", flush=True)
    command = [sys.executable, "-m", "fewshot_metalstm", *arguments]
    subprocess.run(command, check=True, env=peer.environment())


def _settings(values: Sequence[str]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(row)} |" for row in rows]
    return [body[0], "|---" * len(rows[0]) + "|", *body[1:]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--output", type=Path, required=True, help="runs, sweep and tables")
    parser.add_argument("--forms", default="generated,plain", help=", ".join(FORMS))
    parser.add_argument(
        "--checkpoint", action="append", default=[], metavar="FORM=FOLDER",
        help="a run of meta-train that is there already, such as generated=runs/bionlp",
    )  # fmt: skip
    parser.add_argument("--tasks", default="bionlp", help="suite to meta-train on")
    parser.add_argument("--targets", default="linnaeus,NCBI-disease,BC5CDR-chem")
    parser.add_argument("--shots", default="10,50")
    parser.add_argument("--draws", default="0-4")
    parser.add_argument("--against", help="method to hold the others against (generated-basic)")
    parser.add_argument(
        "--train-set", action="append", default=[], metavar="KEY=VALUE",
        help="--set of meta-train, for every form",
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="--set of sweep"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
