"""Engines of parallel spiking neurons against the golden layer: every spike, every membrane."""

import numpy as np
import pytest

from spikeline.model.neurons.parallel import Parallel
from spikeline.model.synapses.dense import Dense
from spikeline.plan.unit import Unit

from .builders import Law, random_events
from .streams import each_stall
from .test_rtl_dense import UNITS, assert_equals

STEPS = 5
FORMS = {
    "sliding": {"taps": 3},
    "one-tap": {"taps": 1},
    "dilated": {"taps": 3, "dilation": 2},
    "all-steps": {"taps": 5},
    "by-channel": {"taps": 2, "kernels": 9},
    "masked": {"taps": 3, "rows": STEPS},
    "masked-by-channel": {"taps": 2, "rows": STEPS, "kernels": 9},
    "whole": {"taps": STEPS, "rows": STEPS, "whole": True},
    "whole-by-channel": {"taps": STEPS, "rows": STEPS, "whole": True, "kernels": 9},
}


def layer(
    seed: int, taps: int, rows: int = 1, kernels: int = 1, dilation: int = 1, whole: bool = False
) -> Law:
    """Make a layer of 9 neurons of random weights, biases and thresholds."""
    rng = np.random.default_rng(seed)
    neuron = Parallel(
        rng.integers(-3, 4, 9),
        rng.integers(-5, 30, (9, rows)),
        rng.integers(-8, 9, (kernels, rows, taps)),
        dilation,
        whole,
    )
    return Law(Dense(rng.integers(-8, 8, (9, 8)), 4), neuron)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("products", ["all", "one"])
def test_every_form_equals_golden_model(form, unit, products):
    """Products at once or in turn, in every layout, give the golden spikes and membranes."""
    law = layer(3, **form)
    made = unit(9)
    passes = form["taps"] if products == "one" else 1
    made = Unit(made.neurons, made.lanes, made.sweep, passes=passes)
    s = random_events(5, STEPS, 3, 8)
    spikes, _ = law.run(s, 1)
    assert spikes.any() and not spikes.all()

    assert_equals(law, made, s, hidden=made.lanes == 4)


@each_stall
@pytest.mark.parametrize("form", ["dilated", "masked", "whole"])
@pytest.mark.parametrize("products", ["all", "one"])
def test_stalls_change_nothing(stalls, form, products):
    """However items come and go, the same spikes come out."""
    law = layer(7, **FORMS[form])
    unit = Unit(9, 4, 2, queue=2, passes=law.neuron.taps if products == "one" else 1)

    assert_equals(law, unit, random_events(2, STEPS, 4, 8), stalls=stalls, hidden=True)
