"""Fetching corpora: resumed, retried, checked against the catalogue, put in place atomically."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.data import digests, locate
from fewshot_metalstm.data.catalogue import MIRROR_VARIABLE, CorpusEntry, FileEntry
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.lock import locked

Progress = Callable[[int], None]
"""Called with the number of bytes that came (negative when some are thrown away)."""

_BLOCK = 1 << 16
_PARTIAL, _BAD_RANGE = 206, 416
_PASSING = frozenset({408, 425, 429})
_FIRST_SERVER_ERROR = 500


@dataclass(frozen=True)
class Patience:
    """How long a transfer is tried."""

    attempts: int = 5
    """Tries of one file before giving up."""
    backoff: float = 1.0
    """Seconds before the second try; every further wait is twice as long."""
    timeout: float = 30.0
    """Seconds without a byte after which a try has failed."""


@dataclass(frozen=True)
class Fetched:
    """What became of one corpus: the files that were fetched and those that were right already."""

    name: str
    folder: Path
    fetched: tuple[str, ...]
    present: tuple[str, ...]
    bytes: int


class _Broken(Exception):
    """A try that failed in a way that the next one may not."""


def destination(data_dir: Path | None = None) -> Path:
    """The data folder that fetched corpora go to: the first of those that are looked in."""
    return locate.data_folders(data_dir)[0].path


def fetch(
    entry: CorpusEntry,
    dest: Path,
    *,
    progress: Progress | None = None,
    mirror: str | None = None,
    patience: Patience | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Fetch what is missing of ``entry`` into the data folder ``dest``.

    Files that are there, in any layout that is looked in, and have the catalogue's SHA-256 are
    left alone. A file comes as ``NAME.part``, which a later call goes on with (HTTP ranges), and
    is renamed when its SHA-256 is right; a file of another content that stands in its place is
    kept as ``NAME.replaced``.

    Raises :class:`UserError` for a corpus that the user must bring, an address that does not
    answer, a content that is not the catalogue's, a folder that cannot be written to and one that
    another process is fetching the corpus into.
    """
    report = progress or (lambda _: None)
    patience = patience or Patience()
    if entry.bring:
        raise UserError(f"corpus {entry.name}: {locate.cure(entry, dest)}")
    folder = _folder(entry, dest)
    fetched: list[str] = []
    present: list[str] = []
    with ExitStack() as stack:
        alone = False
        for split, file in entry.files.items():
            path = folder / file.name
            right = digests.is_file_with(locate.stored(folder, file), file.sha256)
            try:
                if not right and not alone:
                    folder.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(locked(folder, f"corpus {entry.name}"))
                    alone = True
                    # Who held the lock before may have fetched it.
                    right = digests.is_file_with(locate.stored(folder, file), file.sha256)
                if right:
                    present.append(file.name)
                    report(file.bytes or 0)
                    continue
                part = _complete(entry.url(split, mirror), path, file, report, patience, sleep)
                if path.exists():
                    path.replace(path.with_name(f"{path.name}.replaced"))
                part.replace(path)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                cure = "choose a --data-dir"
                raise at(path, None, f"cannot be written ({reason})", cure) from None
            fetched.append(file.name)
    return Fetched(entry.name, folder, tuple(fetched), tuple(present), entry.bytes)


def _folder(entry: CorpusEntry, dest: Path) -> Path:
    """Where ``entry`` is, or shall be, in the data folder ``dest``."""
    places = locate.candidates(entry, dest)
    for place in places:
        if any(locate.stored(place, file).is_file() for file in entry.files.values()):
            return place
    # a git clone, given as the data folder, is added to as it is laid out
    return places[1] if (dest / "data").is_dir() else places[0]


def _complete(
    url: str,
    path: Path,
    file: FileEntry,
    report: Progress,
    patience: Patience,
    sleep: Callable[[float], None],
) -> Path:
    """Fetch ``url`` into ``path``'s ``.part`` until its SHA-256 is right."""
    part = path.with_name(f"{path.name}.part")
    if part.is_file():
        report(part.stat().st_size)
    problem = ""
    for attempt in range(patience.attempts):
        if attempt:
            sleep(patience.backoff * 2 ** (attempt - 1))
        try:
            _transfer(url, part, file, report, patience.timeout)
        except _Broken as broken:
            problem = str(broken)
            continue
        if digests.is_file_with(part, file.sha256):
            return part
        # what was there before may have been the damaged half: begin again
        problem = "what came is not the file that the catalogue knows (its SHA-256 differs)"
        report(-part.stat().st_size)
        part.unlink()
    tries = "1 try" if patience.attempts == 1 else f"{patience.attempts} tries"
    raise UserError(
        f"{url}: {problem}, after {tries}; check the connection and type the command "
        f"again (it goes on where it stopped), or put {path.name} into {path.parent}"
    )


def _transfer(url: str, part: Path, file: FileEntry, report: Progress, timeout: float) -> None:
    """One try: append to ``part`` what it lacks."""
    have = part.stat().st_size if part.is_file() else 0
    if file.bytes is not None and have > file.bytes:
        report(-have)
        part.unlink()
        have = 0
    if file.bytes is not None and have == file.bytes:
        return
    with _open(url, have, part, report, timeout) as answer:
        continues = have > 0 and _continues(answer, have)
        if not continues:
            report(-have)
            have = 0
        with part.open("ab" if continues else "wb") as stream:
            while block := _block(answer):
                stream.write(block)
                have += len(block)
                report(len(block))
                if file.bytes is not None and have > file.bytes:
                    raise _Broken(f"the server sends more than the {file.bytes} bytes it should")
    if file.bytes is not None and have < file.bytes:
        raise _Broken(f"the connection ended after {have} of {file.bytes} bytes")


def _open(
    url: str, have: int, part: Path, report: Progress, timeout: float
) -> http.client.HTTPResponse:
    """Ask for ``url`` from byte ``have`` on."""
    headers = {"User-Agent": "fewshot-metalstm", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        request = urllib.request.Request(url, headers=headers)
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        problem = f"the server answers {error.code} {error.reason}"
        error.close()
        if error.code == _BAD_RANGE:
            report(-have)
            part.unlink(missing_ok=True)
        elif error.code not in _PASSING and error.code < _FIRST_SERVER_ERROR:
            cure = f"check {MIRROR_VARIABLE}, or fetch it by hand into {part.parent}"
            raise at(url, None, problem, cure) from None
        raise _Broken(problem) from None
    except urllib.error.URLError as error:
        raise _Broken(f"no answer ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(f"the connection broke ({type(error).__name__})") from None
    except ValueError as error:
        raise at(url, None, f"is no address ({error})", f"mend {MIRROR_VARIABLE}") from None
    return answer


def _continues(answer: http.client.HTTPResponse, have: int) -> bool:
    """Whether the answer is the rest of the file from byte ``have`` on."""
    span = str(answer.headers.get("Content-Range", ""))
    return answer.status == _PARTIAL and span.startswith(f"bytes {have}-")


def _block(answer: http.client.HTTPResponse) -> bytes:
    """The next bytes, none at the end; those of a transfer that breaks off count too."""
    try:
        return answer.read1(_BLOCK)
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(f"the connection broke ({type(error).__name__})") from None
