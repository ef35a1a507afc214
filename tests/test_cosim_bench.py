"""The comparison of a log with what must be: it notices every kind of difference."""

import json
from pathlib import Path

import pytest

from spikeline.cosim import bench

# One layer of three neurons, swept by two; membranes of 4 bits.
LAYER = {
    "name": "only",
    "neurons": 3,
    "position_bits": 1,
    "lanes": 2,
    "stride": 2,
    "offsets": [],
    "membrane_bits": 4,
    "offset": [0, 0, 1],
}
RESULT = {"tdata_bits": 32, "result": "class", "timed_word": 0, "cycles_word": 1}
DESCRIPTION = {"layers": [LAYER], "m_axis": RESULT}
EXPECTED = {
    "label": 1,
    "step": 1,
    "score": [4, 5, -6],
    "spikes": {"only": ["00", "02"]},
    "membranes": [[1, -2, 3], [4, 5, -6]],
}


def item(position: int, lanes: int, tick: int, last: int, *membranes: int) -> str:
    """Write an item of the layer as the harness logs it."""
    bits = position | lanes << 1 | tick << 3 | last << 4 | last << 5
    for k, h in enumerate(membranes):
        bits |= (h & 15) << 6 + 4 * k
    return f"l 0 {bits:x}"


# A sample as it must be. The membrane of neuron 2 has the offset 1.
ITEMS = [item(0, 0, 0, 0, 1, -2), item(1, 0, 1, 0, 2), item(0, 2, 0, 0, 4, 5), item(1, 0, 1, 1, -7)]
WORDS = ["10001", "14", "4", "5", "fffffffa"]


def sample(start: int) -> list[str]:
    """Write a sample of 20 cycles."""
    result = [f"m {start + 20 + n} {int(n == 4)} {word}" for n, word in enumerate(WORDS)]
    return [f"s {start}", *ITEMS, *result]


GOOD = [*sample(10), *sample(50), "e 400 0"]


def found(
    tmp_path: Path,
    lines: list[str],
    kind: str = "isolated",
    description: dict = DESCRIPTION,
    **want: object,
) -> dict:
    """Compare a log of two samples."""
    path = tmp_path / "run.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    log = bench.read_log(path, description["layers"])
    return bench.compare([EXPECTED | want] * 2, log, description, kind)


@pytest.mark.parametrize("kind", ["isolated", "streamed", "stalled"])
def test_equal_is_equal(tmp_path, kind):
    """Two samples as they must be have no mismatch, and all their spikes were compared."""
    result = found(tmp_path, GOOD, kind)
    assert (result["mismatches"], result["first"], result["end"]) == (0, None, "idle")
    assert result["compared"] == 2 * 2 * 3
    assert (result["cycles"], result["counted"]) == ([20, 20], [20, 20])
    assert (result["interval"], result["labels"]) == ([40], [1, 1])


# Per difference: the log's line and what it becomes (None: nothing), and what is found first.
AT = {"sample": 0, "layer": "only"}
WRONG = {
    "spike": (3, item(0, 3, 0, 0, 4, 5), AT | {"step": 1, "neuron": 0, "what": "spike"}, 0, 1),
    "no-spike": (3, item(0, 0, 0, 0, 4, 5), AT | {"step": 1, "neuron": 1, "what": "spike"}, 1, 0),
    "no-neuron": (4, item(1, 2, 1, 1, -7), AT | {"step": 1, "neuron": 3, "what": "spike"}, 0, 1),
    "membrane": (2, item(1, 0, 1, 0, 3), AT | {"step": 0, "neuron": 2, "what": "membrane"}, 3, 4),
    "no-item": (1, None, AT | {"step": 0, "neuron": 0, "what": "membrane"}, 1, None),
    "no-tick": (2, item(1, 0, 0, 0, 2), AT | {"step": 0, "neuron": 0, "what": "membrane"}, 1, 4),
    "no-last": (4, item(1, 0, 1, 0, -7), AT | {"what": "steps"}, 2, 4),
    "label": (5, "m 30 0 10002", {"sample": 0, "what": "label"}, 1, 2),
    "step": (5, "m 30 0 1", {"sample": 0, "what": "step"}, 1, 0),
    "counted": (6, "m 31 0 13", {"sample": 0, "what": "cycles counted"}, 20, 19),
    "score": (9, "m 34 1 fffffffb", {"sample": 0, "neuron": 2, "what": "score"}, -6, -5),
    "no-word": (7, None, {"sample": 0, "what": "words of the result"}, 5, 4),
    "one-word": (5, "m 30 1 10001", {"sample": 0, "what": "words of the result"}, 5, 1),
    "no-end-of-result": (9, "m 34 0 fffffffa", {"sample": 0, "what": "words of the result"}, 5, 10),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_difference_is_found_first(tmp_path, wrong):
    """One wrong line of the log is a mismatch, with its place."""
    line, instead, place, expected, actual = wrong
    lines = [*GOOD[:line], *([instead] if instead else []), *GOOD[line + 1 :]]
    result = found(tmp_path, lines)
    assert result["mismatches"]
    assert result["first"] == place | {"expected": expected, "actual": actual}


# The same sample, which gives its spikes, of neuron 1 at step 1; or its last membranes.
SPIKES = DESCRIPTION | {
    "layers": [LAYER | {"membrane_bits": 0}],
    "m_axis": {"tdata_bits": 32, "result": "spikes", "timed_word": -1, "cycles_word": -1},
}
MEMBRANES = DESCRIPTION | {
    "m_axis": {"tdata_bits": 32, "result": "membranes", "timed_word": 0, "cycles_word": 0}
}
PACKETS = {
    "spikes": (SPIKES, ["m 25 0 10001", "m 30 1 14"]),
    "membranes": (MEMBRANES, ["m 30 0 14", "m 31 0 4", "m 32 0 5", "m 33 1 fffffffa"]),
}
PLACE = {"sample": 0, "step": 1, "neuron": 1, "what": "spike of the result"}
# Per difference: the packet, its word and what it becomes, and what is found first.
SENT = {
    "spikes": ("spikes", 0, "m 25 0 10001", None),
    "membranes": ("membranes", 0, "m 30 0 14", None),
    "wrong-neuron": ("spikes", 0, "m 25 0 10002", PLACE | {"expected": 65537, "actual": 65538}),
    "wrong-step": ("spikes", 0, "m 25 0 1", PLACE | {"expected": 65537, "actual": 1}),
    "lost-spike": ("spikes", 0, None, bench.fault("words of the result", 2, 1)),
    "spike-counted": ("spikes", 1, "m 30 1 13", bench.fault("cycles counted", 20, 19)),
    "spikes-late": ("spikes", 1, "m 31 1 14", bench.fault("cycles counted", 21, 20)),
    "no-end": ("spikes", 1, None, bench.fault("words of the result", 2, 3)),
    "wrong-membrane": (
        "membranes",
        3,
        "m 33 1 fffffffb",
        {"neuron": 2} | bench.fault("membrane of the result", -6, -5),
    ),
    "lost-membrane": ("membranes", 2, None, bench.fault("words of the result", 4, 3)),
    "membranes-counted": ("membranes", 0, "m 30 0 15", bench.fault("cycles counted", 20, 21)),
}


@pytest.mark.parametrize("wrong", SENT.values(), ids=SENT.keys())
def test_results_without_a_class_are_compared(tmp_path, wrong):
    """Every word of spikes and of membranes counts, and the word that ends the cycles."""
    packet, at, instead, first = wrong
    description, words = PACKETS[packet]
    changed = [*words[:at], *([instead] if instead else []), *words[at + 1 :]]
    later = [word.replace(word.split()[1], str(int(word.split()[1]) + 40), 1) for word in words]
    lines = ["s 10", *ITEMS, *changed, "s 50", *ITEMS, *later, "e 400 0"]
    result = found(tmp_path, lines, "isolated", description, label=-1)
    if first is None:
        assert (result["mismatches"], result["labels"]) == (0, [])
        assert (result["cycles"], result["interval"]) == ([20, 20], [40])
    else:
        assert result["first"] == {"sample": 0} | first


# What comes before the end of the log, and what is found first.
MORE = {
    "result": (["m 90 1 10001"], {"sample": 2, "what": "samples", "expected": 2, "actual": 3}),
    "item": (
        [item(0, 0, 0, 0, 1, -2)],
        {"sample": 2, "what": "samples", "expected": 2, "actual": 3},
    ),
    "sample": (sample(90), {"sample": 2, "what": "samples", "expected": 2, "actual": 3}),
    "unstable": (
        ["u 90"],
        {"what": "result words changed while offered", "expected": 0, "actual": 1},
    ),
}


@pytest.mark.parametrize("more", MORE.values(), ids=MORE.keys())
def test_nothing_more_may_come(tmp_path, more):
    """Whatever comes after the last sample is a mismatch."""
    lines, first = more
    result = found(tmp_path, [*GOOD[:-1], *lines, GOOD[-1]])
    assert result["mismatches"] == 1
    assert result["first"] == {"sample": 0} | first


def test_spike_of_no_step_is_found(tmp_path):
    """A spike that comes with the end of the sample but no tick is not dropped."""
    lines = [*GOOD[:4], item(1, 0, 1, 0, -7), item(0, 1, 0, 1), *GOOD[5:]]
    what = "spikes after the last step"
    place = {"sample": 0, "layer": "only", "step": 2, "neuron": 0}
    want = place | {"what": what, "expected": 0, "actual": 1}
    assert found(tmp_path, lines)["first"] == want


def test_repeated_item_is_found(tmp_path):
    """The same vector twice in a step is not merged into one."""
    result = found(tmp_path, [*GOOD[:4], GOOD[3], *GOOD[4:]])
    place = {"sample": 0, "layer": "only", "step": 1}
    assert result["first"] == place | {"neuron": 1, "what": "spikes", "expected": 1, "actual": 2}
    assert result["mismatches"] == 3


# The end of the log, and what it means.
ENDS = {
    "cut": ([], "the log has no end"),
    "cut-in-a-line": (["m 90"], "line 21 of the log makes no sense: 'm 90'"),
    "hung": (["q 900 500"], "hung: nothing moved in the 500 cycles before cycle 900"),
    "results": (["x 900"], "stopped: more results than samples in cycle 900"),
    "garbage": (["l 0 zz"], "line 21 of the log makes no sense: 'l 0 zz'"),
    "behind": (["e 400 0", "s 401"], "line 22 of the log stands behind its end"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_log_without_its_end_is_one_failure(tmp_path, end):
    """A log that was cut, or a core that hung, is one mismatch and says so."""
    lines, why = end
    result = found(tmp_path, [*GOOD[:-1], *lines])
    assert (result["mismatches"], result["end"]) == (1, why)
    assert result["first"] == {"sample": 1, "what": "end", "expected": "idle", "actual": why}


def test_missing_result_is_found(tmp_path):
    """A sample without a result is a mismatch, and the next one is not taken for it."""
    result = found(tmp_path, [line for line in GOOD[:-1] if line[0] != "m"] + [GOOD[-1]])
    assert result["first"] == {"sample": 0, "what": "results", "expected": 1, "actual": 0}


def test_refused_beats_are_found(tmp_path):
    """The stimuli are legal: a core that refuses one is wrong."""
    result = found(tmp_path, [*GOOD[:-1], "e 400 3"])
    assert result["first"] == {"sample": 0, "what": "beats refused", "expected": 0, "actual": 3}


def test_predicted_times_are_compared(tmp_path):
    """Latency counts where samples are isolated, the interval where they are streamed."""
    assert found(tmp_path, GOOD, cycles=20, interval=40)["mismatches"] == 0
    assert found(tmp_path, GOOD, cycles=21)["first"]["what"] == "cycles"
    assert found(tmp_path, GOOD, "streamed", cycles=21, interval=40)["mismatches"] == 0
    assert found(tmp_path, GOOD, "streamed", interval=41)["first"]["what"] == "interval"


def test_nothing_compared_is_a_failure(tmp_path):
    """No sample expected and none seen proves nothing."""
    (tmp_path / "run.log").write_text("e 400 0\n")
    log = bench.read_log(tmp_path / "run.log", DESCRIPTION["layers"])
    assert bench.compare([], log, DESCRIPTION, "isolated")["mismatches"] == 1


def test_bench_needs_nothing_of_spikeline():
    """The files that an exported folder takes along import no package of this project."""
    for name in ("bench.py", "simulator.py"):
        lines = (Path(bench.__file__).parent / name).read_text().splitlines()
        assert not [x for x in lines if "import" in x.split() and (" ." in x or "spikeline" in x)]


def test_result_is_json(tmp_path):
    """What the bench writes can be read back."""
    result = found(tmp_path, GOOD)
    assert json.loads(json.dumps(result)) == result


def test_what_an_idle_core_tells_is_found(tmp_path):
    """A core that said that it is idle, and then tells something, is wrong."""
    result = found(tmp_path, [*GOOD[:-1], "i 300", GOOD[-1]])
    what = {"what": "cycles in which an idle core was not", "expected": 0, "actual": 1}
    assert (result["mismatches"], result["first"]) == (1, {"sample": 0} | what)


def test_a_vector_of_several_places_is_told_lane_by_lane():
    """A cell of a map, two rows of two places: its lanes are not side by side."""
    layer = LAYER | {"neurons": 12, "position_bits": 4, "lanes": 4, "stride": 1, "membrane_bits": 0}
    reader = bench.Reader([layer | {"offsets": [0, 1, 4, 5]}])
    for position, lanes, tick, last in ((2, 0b1001, 0, 0), (8, 0b0010, 1, 1)):
        reader.item(0, position | lanes << 4 | tick << 8 | last << 9)
    assert reader.sample(0).spikes == [[1 << 2 | 1 << 7 | 1 << 9]]
    assert not reader.sample(0).faults
