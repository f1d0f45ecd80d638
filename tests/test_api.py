"""What Python users pass in."""

import numpy as np
import pytest

import zoo_core
from zoo_core.errors import UsageError
from zoo_core.sampling import collapse
from zoo_core.training import checkpoint

SMALL = {"width": 2, "latent": 2}
TRAINING = {"steps": 6, "batch_size": 4, "checkpoint_every": 2}


class Spy:
    """A callback that keeps what it sees."""

    def __init__(self, every):
        self.every, self.calls, self.images = every, [], []

    def __call__(self, step, sampler, last):
        self.calls.append((step, last))
        self.images.append(sampler.generate(3, seed=5))


def test_a_callback_samples_from_the_weights_of_the_moment(tmp_path):
    often, last = Spy(2), Spy(0)
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=TRAINING, callbacks=[often, last])
    assert often.calls == [(2, False), (4, False), (6, True)]
    assert last.calls == [(6, True)]
    assert not np.array_equal(often.images[0], often.images[2])
    final = zoo_core.Sampler.load(run.path).generate(3, seed=5)
    np.testing.assert_array_equal(often.images[2], final)
    np.testing.assert_array_equal(last.images[0], final)


@pytest.mark.parametrize("every", [-3, 2.5, "2", None])
def test_a_callback_that_comes_at_no_number_of_steps_is_refused_before_anything_is_written(tmp_path, every):
    with pytest.raises(UsageError, match=f"`every` must be a whole number of steps, received {every!r}") as caught:
        zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=TRAINING, callbacks=[Spy(every)])
    assert "0 calls it after the last step alone" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_what_a_callback_raises_ends_the_run_and_it_can_be_gone_on_with(tmp_path):
    class Enough:
        every = 3

        def __call__(self, step, sampler, last):
            raise LookupError("enough")

    arguments = {"options": SMALL, "training": TRAINING}
    with pytest.raises(LookupError, match="enough"):
        zoo_core.train("vae", "digits@8", tmp_path / "run", callbacks=[Enough()], **arguments)
    spy = Spy(0)
    run = zoo_core.resume(tmp_path / "run", callbacks=[spy])
    assert spy.calls == [(6, True)]
    whole = zoo_core.train("vae", "digits@8", tmp_path / "whole", **arguments)
    expected = zoo_core.Sampler.load(whole.path).generate(3, seed=5)
    np.testing.assert_array_equal(zoo_core.Sampler.load(run.path).generate(3, seed=5), expected)
    assert checkpoint.steps_of(run) == checkpoint.steps_of(whole)


def test_signs_of_a_collapse_are_warnings_where_there_is_no_report(tmp_path, monkeypatch):
    monkeypatch.setattr(collapse, "STEPS", 1)
    monkeypatch.setattr(collapse, "SHARE", 1e9)
    monkeypatch.setattr(collapse, "ACCURACY", 0.0)
    training = {"steps": 2, "batch_size": 4, "log_every": 1}
    with pytest.warns(UserWarning, match="hardly differ|has won") as told:
        zoo_core.train("dcgan", "digits@8", tmp_path / "run", options=SMALL, training=training)
    said = " ".join(str(warning.message) for warning in told)
    assert said.count("hardly differ") == said.count("has won") == 1


@pytest.mark.parametrize("precision", ["bfloat16", "float64"])
def test_a_run_of_any_precision_can_be_sampled_from(tmp_path, precision):
    training = TRAINING | {"precision": precision}
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=training)
    assert zoo_core.Sampler.load(run.path).generate(3, seed=5).shape == (3, 8, 8, 1)
