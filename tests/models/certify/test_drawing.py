"""The picture of a certificate: well-formed, alone, and red where a curve leaves its band."""

from xml.etree import ElementTree

import numpy as np

from models.certify.drawing import draw
from models.certify.harness import Replicate

SVG = "{http://www.w3.org/2000/svg}"


def replicates(places: list[float], name: str = "p:q<1>") -> list[Replicate]:
    return [Replicate(("R1",), places={name: place, "beta": 0.5}) for place in places]


def test_a_panel_for_each_quantity_with_its_name_escaped() -> None:
    uniform = np.random.default_rng(1).random(100).tolist()
    root = ElementTree.fromstring(draw("toy", replicates(uniform)))
    panels = root.findall(f"{SVG}g")
    assert [panel.findtext(f"{SVG}text") for panel in panels] == ["p:q<1>", "beta"]
    curves = [panel.find(f"{SVG}polyline") for panel in panels]
    assert [curve is not None and curve.get("class") for curve in curves] == [
        "curve",
        "curve outside",
    ]


def test_dark_and_light_are_both_thought_of() -> None:
    text = draw("toy", replicates([0.5]))
    assert "prefers-color-scheme: dark" in text
    assert "currentColor" in text


def test_where_nothing_was_ranked_it_says_so() -> None:
    text = draw("toy", [Replicate(("R1",), told={"p:q": 0.1}, true={"p:q": 0.2})])
    assert "Nothing was ranked" in text
    ElementTree.fromstring(text)
