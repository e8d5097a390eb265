"""Groups of hidden units of PyTorch modules that are chains of layers."""

from __future__ import annotations

from typing import Iterator

from torch import nn

from ._errors import LayoutError
from ._matching import UnitGroup

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
#: What treats all units alike, one by one.
_UNITWISE = (
    nn.Identity,
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid),
    *(nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.LogSigmoid, nn.Tanhshrink),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)


def unit_groups(model: nn.Sequential) -> list[UnitGroup]:
    """The groups of hidden units of a chain: an ``nn.Sequential``, possibly of others, of linear layers, convolutions,
    normalisations, activations, pooling, dropout and ``Flatten``, for :func:`loss_landscape.match_units`.

    Of any other module only its ``forward`` says what is connected with what: name its groups yourself, and look at
    :func:`loss_landscape.check_permutations`.

    >>> model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 10))
    >>> unit_groups(model)[0].places
    (('0.weight', 0, 0, 1, True), ('0.bias', 0, 0, 1, True), ('4.weight', 1, 0, 9, True))
    """
    groups: list[UnitGroup] = []
    open_group: UnitGroup | None = None
    flattened, spatial = False, 0
    seen: set[int] = set()
    for name, layer in _chain(model, ""):
        for parameter in layer.parameters():
            if id(parameter) in seen:
                raise LayoutError(f"`{name}` shares parameters with another layer: name its units yourself")
            seen.add(id(parameter))
        if isinstance(layer, (nn.Linear, *_CONVOLUTIONS, *_TRANSPOSED)):
            transposed, linear = isinstance(layer, _TRANSPOSED), isinstance(layer, nn.Linear)
            if not isinstance(layer, nn.Linear) and layer.groups != 1:
                raise LayoutError(f"`{name}` is a convolution in {layer.groups} groups: name its units yourself")
            inputs, outputs = (1, 0) if not transposed else (0, 1)
            if open_group is not None:
                if linear and spatial and not flattened:
                    raise LayoutError(f"`{name}` multiplies along the last axis of images: name its units yourself")
                length = layer.weight.shape[inputs]
                run = length // open_group.units if flattened and linear else 1
                if run * open_group.units != length:
                    raise LayoutError(f"`{name}` has {length} inputs where {open_group.units} units come")
                groups.append(open_group.runs(f"{name}.weight", inputs, run))
            open_group = UnitGroup(name, layer.weight.shape[outputs]).axis(f"{name}.weight", outputs)
            if layer.bias is not None:
                open_group = open_group.axis(f"{name}.bias", 0)
            flattened, spatial = False, layer.weight.dim() - 2
        elif isinstance(layer, nn.Flatten):
            if layer.start_dim != 1 or layer.end_dim != -1:
                dimensions = f"{layer.start_dim} to {layer.end_dim}"
                raise LayoutError(f"`{name}` flattens dimensions {dimensions}, not all from 1 on")
            flattened = True
        elif isinstance(layer, (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)):
            if open_group is None:
                continue
            if flattened:
                raise LayoutError(f"`{name}` normalises what was flattened: name its units yourself")
            if isinstance(layer, nn.GroupNorm) and layer.num_groups not in (1, layer.num_channels):
                raise LayoutError(f"`{name}` normalises units in {layer.num_groups} groups: name its units yourself")
            shape = layer.normalized_shape if isinstance(layer, nn.LayerNorm) else ()
            if shape and (len(shape) != spatial + 1 or shape[0] != open_group.units):
                raise LayoutError(f"`{name}` does not normalise over the {open_group.units} units that come")
            for kind in ("weight", "bias", "running_mean", "running_var"):
                if getattr(layer, kind, None) is not None:
                    open_group = open_group.axis(f"{name}.{kind}", 0)
        elif isinstance(layer, nn.PReLU):
            if open_group is not None and layer.num_parameters > 1:
                open_group = open_group.axis(f"{name}.weight", 0)
        elif not isinstance(layer, _UNITWISE):
            kind = type(layer).__name__
            raise LayoutError(f"what `{name}`, a {kind}, does with units is not known: name the groups yourself")
    return groups


def _chain(model: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    if not isinstance(model, nn.Sequential):
        if not name:
            kind = type(model).__name__
            raise LayoutError(f"a {kind} is no chain of layers (`nn.Sequential`): name its groups of units yourself")
        yield name, model
        return
    # Those that come twice as well, which `named_children` leaves out.
    for child, layer in model._modules.items():
        assert layer is not None
        yield from _chain(layer, f"{name}.{child}" if name else child)
