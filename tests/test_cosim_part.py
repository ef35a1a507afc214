"""The benches of single parts, in one simulator."""

import xml.etree.ElementTree as xml

import pytest

from spikeline.cosim import engine, framer, readout, serializer
from spikeline.cosim.build import build
from spikeline.cosim.part import emit_parts
from spikeline.cosim.simulator import simulate

BENCHES = {"serializer": serializer, "engine": engine, "readout": readout, "framer": framer}
# Three patterns of stalls at the source, three at the sink, and the variants of the part.
CASES = {"serializer": 18, "engine": 18, "readout": 18, "framer": 9}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    """Build all parts at once."""
    parts = {name: part for bench in BENCHES.values() for name, part in bench.parts().items()}
    return build(emit_parts(parts, tmp_path_factory.mktemp("parts"), "parts"), "parts")


@pytest.mark.parametrize("name", BENCHES)
def test_part_computes_what_the_model_says(simulator, tmp_path, name):
    """Whatever the stalls: all that must come, held until it is taken, and nothing more."""
    results = simulate(
        simulator,
        "parts",
        f"spikeline.cosim.{name}",
        where=tmp_path,
        plusargs=[],
        log=tmp_path / "run.out",
    )
    cases = xml.parse(results).getroot().iter("testcase")
    passed = {case.get("name"): case.find("failure") is None for case in cases}
    assert [case for case, well in passed.items() if not well] == []
    assert len(passed) == CASES[name]
