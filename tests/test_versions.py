"""What setup.cfg allows and what the files of constraints pin agree."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]

PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def pins(name: str, python: str) -> dict[str, Version]:
    """What a file of constraints pins on a Python."""
    found: dict[str, Version] = {}
    for line in (ROOT / name).read_text().splitlines():
        words = line.partition("#")[0].strip()
        if not words:
            continue
        pin = Requirement(words)
        if pin.marker is not None and not pin.marker.evaluate({"python_version": python}):
            continue
        (only,) = pin.specifier
        assert only.operator == "==", line
        assert canonicalize_name(pin.name) not in found, f"{line} is pinned twice on {python}"
        found[canonicalize_name(pin.name)] = Version(only.version)
    return found


def required(*extras: str) -> list[Requirement]:
    """What setup.cfg asks for."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    texts = [config["options"]["install_requires"]]
    texts += [config["options.extras_require"][extra] for extra in extras]
    return [Requirement(line) for line in "\n".join(texts).splitlines() if line.strip()]


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_pinned_is_allowed(python: str) -> None:
    pinned = pins("constraints.txt", python)
    for requirement in required("fast", "baselines", "browser"):
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_the_lowest_pins_are_the_lower_bounds() -> None:
    lowest = pins("constraints-lowest.txt", "3.11")
    for requirement in required("fast", "baselines"):
        (bound,) = [each for each in requirement.specifier if each.operator == ">="]
        pinned = Version(bound.version)
        version = lowest[canonicalize_name(requirement.name)]
        # 1.11 is met first by 1.11.1, where 1.11.0 was withdrawn.
        assert version >= pinned, requirement
        assert version.release[: len(pinned.release)] == pinned.release, requirement
