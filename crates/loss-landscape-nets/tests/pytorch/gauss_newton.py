"""The Gauss-Newton part G of dense Hessians H = G + R, and sharpness, by PyTorch.

`python tests/pytorch/gauss_newton.py` writes `tests/data/gauss_newton.safetensors`, all in float64. Networks, inputs and
labels are hashed as in `networks.py`, and target values, element j of [N, outputs], are r(5 * 10^9 + j). theta has the
buffers too, whose rows and columns of all matrices are left out here, so that n counts trained parameters:

    CASE.gv, CASE.rv [3, n]     G v and R v for v_k = r((6 + k) * 10^9 + i), i numbering all of theta
    CASE.ends [3, 2]            least and greatest eigenvalue of G, of R, and of H
    CASE.traces [2]             of G and of R
    CASE.energies [2]           sums of all squared eigenvalues of G and of R
    CASE.lowest [2]             u'Gu and u'Ru for the eigenvector u of the least eigenvalue of H

J is taken by `torch.func.jacrev` of the outputs, the second derivatives of the criterion by `torch.func.hessian` of the
loss by the outputs, and H by `torch.func.hessian` of the loss by theta, which knows nothing of the other two.

    sharpness.theta [n]         a minimiser of the mean squared error of the network 5-4-2 (tanh) on 40 hashed inputs
    sharpness.targets [40, 2]   what the hashed network gives, + 0.1 * r(5 * 10^9 + j)
    sharpness.loss [1]
    sharpness.FORM.average [2]  mean of L(theta + rho c z) - L(theta) over 50 z, for rho = 0.05 and 0.5
    sharpness.FORM.worst [2]    the largest L(theta + c u) - L(theta) with |u| <= rho that 200 ascents found, same rho
    sharpness.FORM.top, .trace  greatest eigenvalue and trace of diag(c) H diag(c)

FORM is `plain` (c = 1) or `relative` (c = |theta|). Element i of z number k is sqrt(3) * r(11 * 10^9 + 1000 k + i), of
variance 1.
"""

import torch
from torch import nn
from torch.func import functional_call, hessian, jacrev

import networks
from networks import DATA, fill, images, labels, save_file, signed


class Mlp(nn.Module):
    def __init__(self, sizes, activation):
        super().__init__()
        self.count, self.activation = len(sizes) - 1, activation
        for i in range(self.count):
            setattr(self, f"fc{i + 1}", nn.Linear(sizes[i], sizes[i + 1]))

    def forward(self, x):
        x = x.flatten(1)
        for i in range(1, self.count):
            x = self.activation(getattr(self, f"fc{i}")(x))
        return getattr(self, f"fc{self.count}")(x)


class Small(nn.Module):
    """A convolutional network with batch normalisation folded in and alone, a skip, a pool and both activations."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.b1 = nn.BatchNorm2d(4)
        self.c2 = nn.Conv2d(4, 4, 3, padding=1)
        self.b2 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 3 * 2, 3)

    def forward(self, x):
        x = torch.relu(self.b1(self.c1(x)))
        x = torch.tanh(x + self.c2(x))
        x = self.b2(nn.functional.max_pool2d(x, 2, 2))
        return self.fc(x.flatten(1))


def cross_entropy(samples, classes):
    targets = labels(samples, classes)
    return lambda z: nn.functional.cross_entropy(z, targets)


def squared_error(samples, outputs):
    targets = signed(5 * 10**9, (samples, outputs))
    return lambda z: nn.functional.mse_loss(z, targets)


# Name, network, input shape with the number of samples, criterion of the outputs.
CASES = [
    ("mlp_tanh", lambda: Mlp([5, 7, 4], torch.tanh), (300, 5), cross_entropy(300, 4)),
    ("mlp_relu", lambda: Mlp([5, 7, 6, 4], torch.relu), (40, 5), cross_entropy(40, 4)),
    ("mlp_squares", lambda: Mlp([5, 7, 4], torch.tanh), (40, 5), squared_error(40, 4)),
    ("conv", Small, (37, 2, 6, 5), cross_entropy(37, 3)),
    ("conv_squares", Small, (37, 2, 6, 5), squared_error(37, 3)),
    ("linear", lambda: Mlp([5, 4], torch.tanh), (40, 5), cross_entropy(40, 4)),
]


def flat(net):
    """The parameters in one vector, and the outputs as a function of it."""
    parts = list(net.named_parameters())
    buffers = dict(net.named_buffers())

    def outputs(theta, inputs):
        given, start = dict(buffers), 0
        for name, part in parts:
            given[name] = theta[start : start + part.numel()].reshape(part.shape)
            start += part.numel()
        return functional_call(net, given, (inputs,))

    return torch.cat([part.detach().flatten() for _, part in parts]), outputs


def parts(net, inputs, criterion):
    """Dense G and H."""
    theta, outputs = flat(net)
    z = outputs(theta, inputs).detach()
    jacobian = jacrev(lambda theta: outputs(theta, inputs))(theta).reshape(z.numel(), -1)
    by_outputs = hessian(criterion)(z).reshape(z.numel(), z.numel())
    whole = hessian(lambda theta: criterion(outputs(theta, inputs)))(theta)
    return jacobian.T @ by_outputs @ jacobian, whole


def trained(net, vectors):
    """Vectors over theta, without the buffers."""
    keep = [torch.full((t.numel(),), name in dict(net.named_parameters())) for name, t in networks.blocks(net)]
    return vectors[:, torch.cat(keep)]


def answers(net, inputs, criterion):
    g, h = parts(net, inputs, criterion)
    r = h - g
    total = sum(t.numel() for _, t in networks.blocks(net))
    v = trained(net, torch.stack([signed((6 + k) * 10**9, (total,)) for k in range(3)]))
    spectra = [torch.linalg.eigvalsh(matrix) for matrix in (g, r, h)]
    lowest = torch.linalg.eigh(h).eigenvectors[:, 0]
    return {
        "gv": v @ g,
        "rv": v @ r,
        "ends": torch.stack([spectrum[[0, -1]] for spectrum in spectra]),
        "traces": torch.stack([g.trace(), r.trace()]),
        "energies": torch.stack([(g * g).sum(), (r * r).sum()]),
        "lowest": torch.stack([lowest @ g @ lowest, lowest @ r @ lowest]),
    }


def minimiser(net, inputs, criterion):
    """By damped Newton steps, to rounding."""
    theta, outputs = flat(net)
    loss = lambda theta: criterion(outputs(theta, inputs))
    damping = 1.0
    for _ in range(2000):
        gradient, curvature = jacrev(loss)(theta), hessian(loss)(theta)
        if gradient.norm() < 1e-15:
            break
        values, vectors = torch.linalg.eigh(curvature)
        step = theta - vectors @ ((vectors.T @ gradient) / (values.abs() + damping))
        better = loss(step) <= loss(theta)
        theta, damping = (step, damping / 4) if better else (theta, damping * 4)
    values = torch.linalg.eigvalsh(hessian(loss)(theta))
    print(f"minimiser: loss {loss(theta):.4e}, gradient {jacrev(loss)(theta).norm():.1e}, least eigenvalue {values[0]:.3e}")
    assert gradient.norm() < 1e-12 and values[0] > 1e-5
    return theta, loss


def worst(loss, theta, c, rho):
    """Steps along the gradient that grow while they help, from 200 random starts."""
    generator = torch.Generator().manual_seed(0)
    rise = jacrev(lambda u: loss(theta + c * u))
    best = -torch.inf
    for _ in range(200):
        u = torch.randn(len(theta), generator=generator)
        u, step = rho * u / u.norm(), rho
        value = loss(theta + c * u)
        for _ in range(400):
            g = rise(u)
            new = u + step * g / g.norm()
            new = new * min(1.0, rho / new.norm())
            found = loss(theta + c * new)
            if found > value:
                u, value, step = new, found, min(4 * step, 1e3 * rho)
            else:
                step /= 4
            if step < 1e-9 * rho:
                break
        best = max(best, (value - loss(theta)).item())
    return best


def sharpness():
    net = Mlp([5, 4, 2], torch.tanh)
    fill(net)
    inputs = images((40, 5))
    targets = net(inputs).detach() + 0.1 * signed(5 * 10**9, (40, 2))
    theta, loss = minimiser(net, inputs, lambda z: nn.functional.mse_loss(z, targets))
    curvature = hessian(loss)(theta)
    z = torch.stack([3**0.5 * signed(11 * 10**9 + 1000 * k, (len(theta),)) for k in range(50)])
    found = {"theta": theta, "targets": targets, "loss": loss(theta).reshape(1)}
    for form, c in [("plain", torch.ones_like(theta)), ("relative", theta.abs())]:
        scaled = c[:, None] * curvature * c
        rises = [torch.stack([loss(theta + rho * c * z) - loss(theta) for z in z]).mean() for rho in (0.05, 0.5)]
        found[f"{form}.average"] = torch.stack(rises)
        found[f"{form}.worst"] = torch.tensor([worst(loss, theta, c, rho) for rho in (0.05, 0.5)])
        found[f"{form}.top"] = torch.linalg.eigvalsh(scaled)[-1:]
        found[f"{form}.trace"] = scaled.trace().reshape(1)
        print(form, *(f"{name} {found[f'{form}.{name}'].tolist()}" for name in ("average", "worst", "top", "trace")))
    return found


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    tensors = {}
    for case, build, shape, criterion in CASES:
        net = build().eval()
        fill(net)
        found = answers(net, images(shape), criterion)
        tensors |= {f"{case}.{key}": t for key, t in found.items()}
        ends = ", ".join(f"{low:.3e} to {high:.3e}" for low, high in found["ends"].tolist())
        print(f"{case:<13} {found['gv'].shape[1]:>4} parameters; G, R, H from {ends}; traces {found['traces'].tolist()}")
    tensors |= {f"sharpness.{key}": t for key, t in sharpness().items()}
    save_file({key: t.detach().contiguous() for key, t in tensors.items()}, DATA / "gauss_newton.safetensors")


if __name__ == "__main__":
    main()
