"""Packed pixels: images too short, too long, and what lies beside the last pixel."""

import numpy as np
import pytest

from spikeline.model.codings.counts import Counts
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.network import Network
from spikeline.plan.mapping import Mapping
from spikeline.rtl.codings.pixels import Pixels

from .builders import random_chain, random_images
from .streams import Bench, each_stall, spikes_of
from .test_rtl_top import assert_decided, prepare, simulate

NET = random_chain(1, (11, 7, 4))
MAPPING = Mapping.of(NET, None, None, 4)


@each_stall
@pytest.mark.parametrize("beats", [1, 2])
def test_short_image_is_dark_where_it_ends(beats, stalls):
    """Pixels behind TLAST are dark, whatever the image before held there."""
    x = random_images(2, 5, 11)
    x[0] = x[3] = 255
    _, packets = prepare(NET, MAPPING, x)
    for n in (1, 4):
        x[n, 4 * beats :] = 0
        packets[n] = packets[n][:beats]
        packets[n][-1]["last"] = 1

    got = simulate(NET, MAPPING, packets, stalls)
    assert_decided(NET.run(x), got)
    assert got.refused[-1] == 0


@each_stall
def test_beats_beyond_the_image_are_dropped_and_counted(stalls):
    """Beats after the last pixel change nothing, in this image and the next; each is counted."""
    run, packets = prepare(NET, MAPPING, random_images(3, 5, 11))
    for n, extra in ((1, 1), (3, 3)):
        packets[n][-1]["last"] = 0
        packets[n] += [{"data": 0xFFFFFFFF, "last": int(k == extra - 1)} for k in range(extra)]

    got = simulate(NET, MAPPING, packets, stalls)
    assert_decided(run, got)
    assert got.refused[-1] == 4


@pytest.mark.slow
def test_count_of_dropped_beats_stays_at_its_end():
    """Behind 65,535 dropped beats it counts no more, and the next image is whole."""
    net = random_chain(7, (3, 2), 1)
    beats = [{"beat": 255, "last": 0}] * (3 + 65_540)
    beats += [{"beat": 255, "last": int(n in (0, 3))} for n in range(4)]
    bench = Bench(pixels := Pixels(net, 1))
    source = bench.put(pixels.i, beats)
    sink = bench.get(pixels.o)
    refused = bench.sample(pixels.refused)

    def drive(ctx, cycle):
        ctx.set(pixels.room, 1)
        ctx.set(pixels.decided, 0)

    bench.each(drive)
    bench.run(lambda: len(source.items) == len(beats), 70_000)

    assert sorted(set(refused)) == list(range(65_536))
    assert refused == sorted(refused)
    assert [spikes.tolist() for spikes in spikes_of(sink.items, 1, 3)] == [[[True] * 3]] * 2


def test_bits_beside_the_last_pixel_mean_nothing():
    """Of the last beat only the pixels that the image has are encoded."""
    run, packets = prepare(NET, MAPPING, random_images(4, 5, 11))
    for packet in packets:
        packet[-1]["data"] |= 0xFF000000

    assert_decided(run, simulate(NET, MAPPING, packets))


def play(net: Network, lanes: int, x: np.ndarray, stalls=(0.0, 0.0), decides=()) -> list[dict]:
    """Play images back; samples are decided in the cycles `decides`, or as they end."""
    mapping = Mapping.of(net, None, None, lanes)
    beats = [
        {"beat": beat["data"], "last": beat["last"]}
        for packet in prepare(net, mapping, x)[1]
        for beat in packet
    ]
    bench = Bench(pixels := Pixels(net, lanes), len(x))
    bench.put(pixels.i, beats, stalls[0])
    sink = bench.get(pixels.o, stalls[1])

    def ends() -> int:
        return sum(i["last"] for i in sink.items)

    def drive(ctx, cycle):
        ctx.set(pixels.room, 1)
        decided = sum(d <= cycle for d in decides) if decides else ends()
        ctx.set(pixels.decided, decided % 8)

    bench.each(drive)
    bench.run(lambda: ends() >= len(x))
    return sink.items


@each_stall
@pytest.mark.parametrize("floor", [1, 64, 255])
@pytest.mark.parametrize("steps", [1, 3, 16])
def test_every_pixel_value_fires_when_the_law_says(steps, floor, stalls):
    """All 256 values of a pixel fire in the golden step, each once, and dark ones never."""
    net = random_chain(5, (48, 2), steps, coding=Latency(floor))
    x = np.random.default_rng(6).permutation(np.arange(6 * 48) % 256).reshape(6, 48)
    items = play(net, 8, x, stalls)

    golden = net.encode(x).astype(bool).transpose(1, 0, 2)
    assert np.array_equal(spikes_of(items, 8, 48), golden)
    assert all(i["lanes"] or i["tick"] for i in items)


@pytest.mark.parametrize("cycle", range(3, 30, 2))
def test_decision_at_any_time_ends_the_image_once(cycle):
    """Whenever the decision comes, the image ends once, and the next one is whole."""
    net = random_chain(7, (11, 2), 4)
    x = random_images(8, 2, 11)
    items = play(net, 4, x, decides=(cycle,))
    golden = net.encode(x).astype(bool)

    end = next(n for n, item in enumerate(items) if item["last"])
    assert items[end]["tick"] or not items[end]["lanes"]
    ticks = sum(item["tick"] for item in items[:end])
    # The step in which the decision is seen does not end, unless the image was over before.
    assert not items[end]["tick"] or ticks == 3
    assert np.array_equal(spikes_of(items[end + 1 :], 4, 11)[0], golden[:, 1])


def test_other_codings_are_refused():
    """Packed pixels need latency coding."""
    net = random_chain(6, coding=Counts(1))
    with pytest.raises(
        InputError, match=r"^Packed pixels must feed a network with latency coding$"
    ):
        Mapping.of(net, None, None, 4)
