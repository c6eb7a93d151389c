"""``fewshot-metalstm convert``: annotated text from one format into another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.faults import NAME, beside_output, write_faults
from fewshot_metalstm.cli.options import Output, json_option, output_file_option, quiet_option
from fewshot_metalstm.cli.streams import STANDARD_OUTPUT, place_of
from fewshot_metalstm.cli.tables import print_json, say
from fewshot_metalstm.kinds.tagging.cli.format_options import (
    WrittenFormatOption,
    bad_option,
    formats,
    overlaps_option,
    print_notes,
    unannotated_option,
)

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.formats import Document


@click.command("convert")
@click.argument("source", type=click.Path(path_type=Path), metavar="IN")
@click.argument("out", type=Output(), required=False, metavar="[OUT]")
@output_file_option("The same as OUT.", metavar="OUT")
@click.option("--to", metavar="FORMAT", shell_complete=formats, cls=WrittenFormatOption,
              help="{formats}.  [default: by the name of OUT]")  # fmt: skip
@click.option("--from", "form", metavar="FORMAT", shell_complete=formats,
              help="Format of IN; text too.  [default: by name and look]")  # fmt: skip
@overlaps_option
@bad_option
@unannotated_option
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW",
              help="Another name for an entity type; repeatable.")  # fmt: skip
@click.option(
    "--scheme", metavar="SCHEME", help="Tag scheme of IN; IO or lenient too.  [default: detected]"
)
@click.option("--repair", is_flag=True, help="Mend illegal tag sequences of IN.")
@click.option("--to-scheme", metavar="SCHEME",
              help="Tag scheme of OUT, where it has one: IOB1, IOB2, IOBES or BILOU.  "
              "[default: IOB2]")  # fmt: skip
@json_option
@quiet_option
def convert(
    as_json: bool, quiet: bool, out: Path | None, output: Path | None, **options: Any
) -> None:
    """Write the documents of IN, a file or folder, as OUT in another format.

    Character offsets stay what they are. A folder with train, devel and test files becomes a
    folder of these. What OUT has no place for is counted on standard error; OUT is there when
    all of it is, and not before; - is standard output, of a format that is one file.
    """
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.formats.table import to_be_written

    if (out is None) == (output is None):
        raise UserError("name what to write once: OUT, or --output OUT; - is standard output")
    target = out or output
    assert target is not None
    into = to_be_written(target, options.pop("to"))
    if target == STANDARD_OUTPUT and into.folder:
        raise UserError(f"-: {into.name} is a folder, which standard output is not; name one")
    listed = Path(NAME) if target == STANDARD_OUTPUT else beside_output(target)
    with place_of(target, as_json=as_json) as place:
        result = run(output=place, to=into.name, listed=listed, **options)
    result["output"] = str(target)
    if not quiet:
        print_notes(result["notes"])
        if "bad_annotations" in result:
            say(f"note: listed in {result['bad_annotations']}", err=True)
    if as_json:
        print_json(result)
    elif not (quiet and target == STANDARD_OUTPUT):
        say(f"{result['output']}: {result['documents']} documents, {result['mentions']} mentions "
            f"in {result['to']}, from {result['from']}", err=target == STANDARD_OUTPUT)  # fmt: skip


def run(
    *,
    source: Path,
    output: Path,
    to: str | None,
    form: str | None,
    overlaps: str,
    renames: tuple[str, ...],
    scheme: str | None,
    repair: bool,
    to_scheme: str | None = None,
    listed: Path | None = None,
    bad_annotations: str = "error",
    unannotated: str = "skip",
) -> dict[str, Any]:
    """Convert a file, a folder of texts and annotations, or each split of a folder.

    ``listed`` is the file for bad annotations; by default it stands beside ``output``.
    """
    from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
    from fewshot_metalstm.kinds.tagging.formats import (
        Notes,
        detect,
        find,
        read_documents,
        write_documents,
    )
    from fewshot_metalstm.kinds.tagging.formats.files import replacing_folder
    from fewshot_metalstm.kinds.tagging.formats.notes import losses
    from fewshot_metalstm.kinds.tagging.formats.table import to_be_written
    from fewshot_metalstm.writing import refuse_inputs

    refuse_inputs(output, [source])
    into = to_be_written(output, to)
    written = (
        {} if to_scheme is None else {"scheme": into.scheme("--to-scheme", to_scheme, written=True)}
    )
    renaming = Renaming(renames)
    splits = _splits(source, form)
    notes = Notes()
    bad = BadAnnotations(bad_annotations)
    kinds = []

    def one(path: Path, place: Path) -> None:
        chosen = find(form) if form is not None else detect(path)
        kinds.append(chosen.name)
        options = {"scheme": scheme, "repair": repair} if chosen.schemed else {}
        if scheme is not None:
            chosen.scheme("--scheme", scheme)
        documents = read_documents(
            path, chosen.name, notes=notes, bad=bad, unannotated=unannotated, **options
        )
        write_documents(
            renaming.renamed(documents, last=splits is None), place, into.name,
            overlaps=overlaps, notes=notes, **written,
        )  # fmt: skip

    if splits is None:
        one(source, output)
    else:
        with replacing_folder(output) as folder:
            for split, path in splits.items():
                one(path, folder / f"{split}{into.suffix}")
            renaming.check()
    listed = listed or beside_output(output)
    if bad.faults:
        write_faults(bad.rows(), listed)
    return {
        "input": str(source),
        "output": str(output),
        "from": " and ".join(dict.fromkeys(kinds)),
        "to": into.name,
        **({"splits": list(splits)} if splits is not None else {}),
        "documents": notes["documents"],
        "mentions": notes["mentions"],
        "notes": losses(notes),
        **({"bad_annotations": str(listed)} if bad.faults else {}),
    }


def _splits(source: Path, form: str | None) -> dict[str, Path] | None:
    """The files of a folder's splits; None for what is one file or one folder of documents."""
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.corpora.own_files import own_files
    from fewshot_metalstm.kinds.tagging.formats import detect

    if not source.is_dir():
        return None
    try:
        files = own_files(str(source))[1]
    except UserError:
        if form not in (None, "brat") or not any(source.rglob("*.txt")):
            raise
        return None  # texts without annotations, or in folders of their own
    others = set(source.glob("*.txt")) - set(files.values())
    if (
        others
        and form in (None, "brat")
        and all(file.is_file() and detect(file).name == "text" for file in files.values())
    ):
        return None  # such texts too, of which one is called blood-test
    return None if files == {"train": source} else files


class Renaming:
    """Other names for entity types, each of which has to be that of a type that is there."""

    def __init__(self, given: Iterable[str]) -> None:
        from fewshot_metalstm.errors import UserError

        self.names: dict[str, str] = {}
        self.met: set[str] = set()
        for each in given:
            old, equals, new = each.partition("=")
            if not equals or not old or not new.strip():
                raise UserError(f"--rename {each}: is not OLD=NEW; name two entity types")
            self.names[old] = new.strip()

    def renamed(self, documents: Iterable[Document], *, last: bool) -> Iterator[Document]:
        """The documents, their types renamed; then :meth:`check`, if they are the ``last``."""
        for document in documents:
            if self.names:
                self.met.update(mention.type for mention in document.mentions)
                document = replace(document, mentions=tuple(
                    replace(m, type=self.names.get(m.type, m.type)) for m in document.mentions
                ))  # fmt: skip
            yield document
        if last:
            self.check()

    def check(self) -> None:
        """Raise :class:`UserError` if a name was met in none of the documents."""
        from fewshot_metalstm.errors import UserError

        for old, new in self.names.items():
            if old not in self.met:
                there = ", ".join(sorted(self.met)) or "none"
                raise UserError(
                    f"--rename {old}={new}: there is no type {old}; the types there are: {there}"
                )
