"""``fl.backprop`` of a network the size of ResNet-18, without the check, against its plain forward and backward."""

import torch
from benchmarks._harness import Bar, alternate, main
from torch import nn

import fallline as fl

PAIRS = 7
BATCH = (4, 3, 64, 64)
CLASSES = 1000
WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        around = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.downsample = around if stride != 1 or inputs != outputs else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of images [N × C × H × W]."""
        around = x if self.downsample is None else self.downsample(x)
        made = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        made += around
        result: torch.Tensor = self.relu(made)
        return result


def resnet() -> nn.Sequential:
    """Eight blocks of two convolutions each: 11.7 million parameters."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    layers = [
        nn.Sequential(BasicBlock(WIDTHS[max(0, place - 1)], width, 1 if place == 0 else 2), BasicBlock(width, width, 1))
        for place, width in enumerate(WIDTHS)
    ]
    return nn.Sequential(*stem, *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[-1], CLASSES))


def measure() -> list[Bar]:
    """On one thread, without the check, in training mode."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, images = resnet(), torch.randn(BATCH)
    target = torch.randint(CLASSES, BATCH[:1])

    def loss(scores: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(scores, target)

    def traced() -> None:
        fl.backprop(model, images, loss=loss, check=False)

    def plain() -> None:
        given = images.detach().clone().requires_grad_()
        torch.autograd.backward(loss(model(given)))
        model.zero_grad()

    return [alternate(traced, plain, PAIRS).bar("fl.backprop, ResNet-18 / its forward and backward", 6)]


if __name__ == "__main__":
    main(measure)
