"""Sampled sweeps of modules: the losses of their single samples."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import models  # noqa: E402
from test_sampled import inside  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import loss_landscape as ll  # noqa: E402

torch.set_num_threads(1)


@pytest.mark.parametrize("name", ["resnet20", "lenet", "gpt", "lstm"])
def test_losses_of_single_samples_are_those_of_batches_of_one(name):
    model, loss_fn, data = models.networks()[name]
    before = models.state(model)
    oracle = ll.torch.Oracle(model, loss_fn, data, metrics={"accuracy": models.accuracy} if name != "gpt" else None)
    with torch.no_grad():
        ones = [(x[k : k + 1], y[k : k + 1]) for x, y in data for k in range(len(x))]
        plain = [float(loss_fn(model.eval()(x), y)) for x, y in ones]
    with torch.no_grad(), oracle._session():
        oracle._ready_for_samples()
        all_of_them = oracle._sample_losses(0, oracle.theta, np.arange(len(plain)))
        some = np.array([0, 3, 30, len(plain) - 2])
        few = oracle._sample_losses(0, oracle.theta, some)
    model.train()
    assert oracle.sample_method == "vmap" and oracle._sample_counts == [len(plain)]
    np.testing.assert_allclose(all_of_them[:, 0], plain, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(few, all_of_them[some], rtol=1e-9, atol=1e-12)
    assert all_of_them[:, 0].mean() == pytest.approx(oracle(), rel=1e-12)
    models.assert_same({**before, "plain": models.state(model)["plain"]}, models.state(model))


def test_a_sampled_surface_of_a_module():
    x, y = models.digits()
    torch.manual_seed(0)
    model = models.trained(models.LeNet().double(), functional.cross_entropy, x, y, 60)
    before = models.state(model)
    metrics = {"accuracy": models.accuracy}
    oracle = ll.torch.Oracle(
        model, functional.cross_entropy, {"train": models.batches(x, y, 256)}, metrics=metrics
    )
    place = dict(directions=ll.random_directions(oracle, seed=1), alpha=21, beta=17)
    full = ll.grid_2d(oracle, **place)
    sampled = ll.sampled_2d(oracle, **place, relative_error=0.02)
    models.assert_same(before, models.state(model))
    assert (sampled.standard_error() <= 0.02 * sampled["loss"]).all() and sampled.share < 0.5
    assert 0.88 <= inside(sampled, full, "train loss") and 0.85 <= inside(sampled, full, "train accuracy")
    assert sampled == ll.sampled_2d(oracle, **place, relative_error=0.02)
    assert "2 standard errors" in sampled.svg()


def test_weights_sums_steps_and_batches_of_several_lengths():
    generator = torch.Generator().manual_seed(1)
    lengths = [5, 9, 7, 9]
    data = []
    # The more is ignored in a sample, the easier are the tokens that are left.
    for length in lengths:
        text = torch.randint(0, 11, (30, length + 1), generator=generator)
        target = text[:, 1:].clone()
        target[::2] = 3
        target[::2, 1:] = -100
        data.append((text[:, :-1], target))
    torch.manual_seed(2)
    model = nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 11)).double()

    def loss(output, target):
        return functional.cross_entropy(output.flatten(0, 1), target.flatten())

    def agrees(oracle, way):
        with torch.no_grad(), oracle._session():
            oracle._ready_for_samples()
            count = oracle._sample_counts[0]
            rows = oracle._sample_losses(0, oracle.theta, np.arange(count))
            part = np.array([1, 29, 31, 60, 61, 95])
            np.testing.assert_allclose(oracle._sample_losses(0, oracle.theta, part), rows[part], rtol=1e-9)
            whole = oracle._measure(0, oracle.theta)
        np.testing.assert_allclose(rows.mean(0), whole, rtol=1e-12)
        assert oracle.sample_method == way
        return rows

    # A token counts once, whatever sample it is in.
    tokens = ll.torch.Oracle(model, loss, data, size=lambda batch: int((batch[1] != -100).sum()))
    agrees(tokens, "vmap")
    assert ll.sampled_1d(tokens, ll.random_direction(tokens), alpha=9).complete
    unweighted = ll.torch.Oracle(model, loss, data)
    with pytest.raises(ll.Error, match="mean"):
        ll.sampled_1d(unweighted, ll.random_direction(unweighted), alpha=9)

    x, y = models.digits()
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double()
    pairs = models.batches(x[:130], y[:130], 50)
    metrics = {"accuracy": models.accuracy}
    summed = ll.torch.Oracle(linear, nn.CrossEntropyLoss(reduction="sum"), pairs, metrics=metrics)
    agrees(summed, "vmap")
    # Not a function that vmap knows.
    slow = {"accuracy": lambda output, target: float((output.argmax(-1) == target).double().mean())}
    rows = agrees(ll.torch.Oracle(linear, functional.cross_entropy, pairs, metrics=slow), "one by one")

    def sample_losses(module, batch):
        output = module(batch[0])
        losses = functional.cross_entropy(output, batch[1], reduction="none")
        return {"loss": losses, "accuracy": output.argmax(1) == batch[1]}

    def step(module, batch):
        return {name: values.double().mean() for name, values in sample_losses(module, batch).items()}

    own = ll.torch.Oracle(linear, None, pairs, step=step, sample_losses=sample_losses)
    np.testing.assert_allclose(agrees(own, "own"), rows, rtol=1e-9)
    without = ll.torch.Oracle(linear, None, pairs, step=step)
    with pytest.raises(ll.ArgumentError, match="give the oracle `sample_losses=`"):
        ll.sampled_1d(without, ll.random_direction(without))


def test_modules_that_mix_samples_are_refused():
    x, y = models.digits()
    data = models.batches(x[:200], y[:200], 64)
    torch.manual_seed(0)
    flat = lambda *layers: nn.Sequential(nn.Flatten(), nn.Linear(64, 10), *layers).double()  # noqa: E731

    def sampled(model, loss=functional.cross_entropy, **more):
        oracle = ll.torch.Oracle(model, loss, data, probe=False, **more)
        return ll.sampled_1d(oracle, ll.random_direction(oracle), alpha=5)

    with pytest.raises((ll.ArgumentError, ValueError), match="cannot be sampled|more than 1 value"):
        sampled(flat(nn.BatchNorm1d(10)), mode="train")
    with pytest.raises(ll.ArgumentError, match="cannot be sampled"):
        sampled(flat(nn.Dropout(0.5)), mode="train", noise_seed=1)
    with pytest.raises(ll.ArgumentError, match="freeze them"):
        sampled(flat(nn.BatchNorm1d(10)), batch_norm="reestimate")

    class Whole(nn.Module):
        """Returns the mean over the batch as its output."""

        def __init__(self):
            super().__init__()
            self.inner = flat()

        def forward(self, x):
            return self.inner(x).square().mean()

    with pytest.raises(ll.ArgumentError, match="cannot be sampled"):
        sampled(Whole(), lambda output, target: output)
    with pytest.warns(ll.LandscapeWarning, match="read again"), pytest.raises(ll.ArgumentError, match="memory_limit"):
        sampled(flat(), memory_limit=1000)
