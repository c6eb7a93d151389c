"""A Label Studio project's labelling configuration: what of a task is text, and where labels go."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

LONGEST = 2**20  # characters


@dataclass(frozen=True)
class Labelling:
    """The names that a region needs: of the labels' tag, of the text's, and the key of the text.

    ``labels`` are the values of the labels.
    """

    from_name: str
    to_name: str
    key: str
    labels: tuple[str, ...]


def labelling(config: str) -> Labelling:
    """The first ``Labels`` of a configuration, over a ``Text``.

    Raises:
        ValueError: there is none, or the configuration is no XML, or one with declarations of its
            own (which could be made to grow without bound).
    """
    if len(config) > LONGEST or "<!" in config.replace("<!--", ""):
        raise ValueError("the labelling configuration is too long, or declares entities")
    try:
        root = ET.fromstring(config)
    except ET.ParseError as error:
        raise ValueError(f"the labelling configuration is no XML ({error})") from None
    texts = {each.get("name", ""): each.get("value", "") for each in root.iter("Text")}
    for each in root.iter("Labels"):
        to_name = each.get("toName", "")
        value = texts.get(to_name, "")
        if value.startswith("$") and each.get("name"):
            labels = tuple(label.get("value", "") for label in each.iter("Label"))
            return Labelling(each.get("name", ""), to_name, value[1:], labels)
    raise ValueError('the labelling configuration has no <Labels> over a <Text value="$...">')
