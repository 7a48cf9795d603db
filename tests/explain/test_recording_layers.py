"""What is said of the layers of a watched loop; docs/semantics.md#update-to-parameter-ratio."""

from dataclasses import fields, replace

import numpy as np

import recordings
from fallline._explain import percent, recording_sentences
from fallline._records import Recording


def said(recording: Recording) -> str:
    return " ".join(recording_sentences(recording))


def sentence(recording: Recording, begins: str) -> str:
    """The only sentence that begins so."""
    (found,) = [one for one in recording_sentences(recording) if one.startswith(begins)]
    return found


def test_which_layer_moved_most_for_its_size() -> None:
    recording = recordings.well_behaved()
    every = recording.layers.update_norm / recording.layers.parameter_norm
    ratios = np.sort(every, axis=0)[49]  # of 100 that stand 20 steps apart, the last for itself
    assert (ratios.argmax(), ratios.argmin()) == (0, 2)
    assert sentence(recording, "For its size") == (
        f"For its size, layer 0 moved most ({percent(ratios[0])} a step in the median) "
        f"and layer 4 least ({percent(ratios[2])})."
    )
    assert "For its size" not in said(recordings.plain_descent())


def test_a_dense_start_weighs_no_more_than_the_rest() -> None:
    recording = recordings.well_behaved()
    rows = np.r_[np.arange(10), 99]
    layers = replace(
        recording.layers,
        **{f.name: getattr(recording.layers, f.name)[rows].copy() for f in fields(recording.layers)},
    )
    layers.step[:] = [*range(10), 1000]
    layers.update_norm[:] = layers.parameter_norm * [0.5, 0.5, 0.5]
    layers.update_norm[9] = layers.parameter_norm[9] * [0.01, 0.02, 0.03]  # steps 9 to 999
    told = sentence(replace(recording, layers=layers), "For its size")
    assert told == "For its size, layer 4 moved most (3 % a step in the median) and layer 0 least (1 %)."
    layers.update_norm[9] = layers.parameter_norm[9] * [0.02, 0.02, 0.025]
    assert "For their size all layers moved alike, 2 % to 2.5 % a step in the median." in said(
        replace(recording, layers=layers)
    )


def test_layers_that_no_gradient_reaches() -> None:
    recording = recordings.well_behaved()
    gradient = recording.layers.gradient_norm.copy()
    gradient[85:, :2] = 0
    dead = replace(recording, layers=replace(recording.layers, gradient_norm=gradient))
    assert (
        "The gradient of layer 0 and layer 2 was exactly 0 at the last 10 measured steps, from step 1,800 on: "
        "nothing is learned there."
    ) in said(dead)
    gradient[95, 1] = 1e-30
    assert "The gradient of layer 0 was exactly 0" in said(dead)
    assert "exactly 0" not in said(recording)
