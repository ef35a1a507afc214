"""The speed goals of the golden model, of emission and of training."""

import pytest

from spikeline.flow.experiments import bench


def test_golden_run_is_fast_enough_on_a_busy_machine() -> None:
    """A fifth of the goal of 5,000 images a second, so that a busy machine does not fail it."""
    assert bench.images_per_second(1000) > 1000


def test_bench_prints_every_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each measured number stands beside its goal."""
    monkeypatch.setattr(bench, "images_per_second", lambda: 6789.0)
    monkeypatch.setattr(bench, "seconds_to_emit", lambda: 3.21)
    monkeypatch.setattr(bench, "training_speedup", lambda: (1.5, 2.34))
    bench.main()
    said = capsys.readouterr().out
    assert "6789 images/s   goal: >= 5,000" in said
    assert "3.2 s          goal: < 8" in said
    assert "1.50 s, 2.3 x as fast as with the dense kernel and conv1d   goal: >= 2 x" in said
