"""Vectors as files: worked by hand."""

import json

import numpy as np

from spikeline.cosim.vectors import expectations, pixel_stimuli, stimuli
from spikeline.model.network import Run
from spikeline.model.readouts.protocol import Decision

# Five inputs of values up to 3: address in bits 0 to 2, value in 3 and 4, tick in 5.
BEAT = {"value": {"lsb": 3}, "tick": {"lsb": 5}}
EVENTS = {"s_axis": {"tdata_bits": 8, "held": False, "beat": BEAT}}


def test_events_come_before_the_end_of_their_step():
    """A record is a byte that marks the last beat, then the beat."""
    s = np.zeros((2, 2, 5), np.uint8)
    s[0, 0, 1], s[0, 0, 4] = 2, 3  # of the first sample: 1 | 2 << 3, 4 | 3 << 3
    s[1, 1, 0] = 1  # of the second, in step 1: 0 | 1 << 3
    first = bytes([0, 0x11, 0, 0x1C, 0, 0x20, 1, 0x20])
    second = bytes([0, 0x20, 0, 0x08, 1, 0x20])
    assert stimuli(EVENTS, s) == first + second


def test_events_that_are_held_come_once():
    """Those of step 0, then the ends of all steps."""
    held = {"s_axis": {"tdata_bits": 8, "held": True, "beat": BEAT}}
    s = np.zeros((3, 1, 5), np.uint8)
    s[:, 0, 1] = 2
    assert stimuli(held, s) == bytes([0, 0x11, 0, 0x20, 0, 0x20, 1, 0x20])


def test_wide_beats_have_their_high_byte_first():
    """A beat of 16 bits takes three bytes."""
    beat = {"value": {"lsb": 10}, "tick": {"lsb": 11}}
    wide = {"s_axis": {"tdata_bits": 16, "held": False, "beat": beat}}
    s = np.zeros((1, 1, 600), np.uint8)
    s[0, 0, 513] = 1  # 0x201 | 1 << 10
    assert stimuli(wide, s) == bytes([0, 0x06, 0x01, 1, 0x08, 0x00])


def test_pixels_fill_a_beat_from_its_lowest_byte():
    """The last beat is filled up with darkness."""
    description = {"s_axis": {"tdata_bits": 16}}
    images = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    want = bytes([0, 2, 1, 1, 0, 3, 0, 5, 4, 1, 0, 6])
    assert pixel_stimuli(description, images) == want


def test_expectations_tell_all_of_a_sample():
    """Masks are hexadecimal, neuron 0 in the lowest bit; times stand where they were predicted."""
    spikes = np.zeros((2, 2, 9), bool)
    spikes[1, 0, [0, 8]] = True
    h = np.arange(12).reshape(2, 2, 3) - 5
    decision = Decision(np.array([2, 0]), np.array([1, 1]), np.array([[1, 2, 3], [4, 5, 6]]))
    none = np.zeros((2, 2, 3), bool)
    run = Run(decision, {}, None, {"one": spikes, "out": none}, {"one": h * 0, "out": h})
    first, second = (json.loads(line) for line in expectations(run).splitlines())
    assert first == {
        "label": 2,
        "step": 1,
        "score": [1, 2, 3],
        "spikes": {"one": ["0000", "0101"], "out": ["00", "00"]},
        "membranes": [[-5, -4, -3], [1, 2, 3]],
    }
    assert second["membranes"] == [[-2, -1, 0], [4, 5, 6]]
    times = (np.array([70, 71]), np.array([55]))
    first, second = (json.loads(line) for line in expectations(run, times).splitlines())
    assert (first["cycles"], "interval" in first) == (70, False)
    assert (second["cycles"], second["interval"]) == (71, 55)
