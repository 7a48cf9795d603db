"""Two networks on scikit-learn's digits, each trained well and with a rate that explodes, watched all the while.

    python examples/digits.py            # all four, about ten seconds
    fallline runs                        # what was recorded
    fallline explain                     # what happened in the last one
    fallline report                      # the same as a page

The loop is anybody's own; fallline's part of it is the line with ``fl.watch`` and the one with ``watch.step``.
"""

import argparse
import sys
from collections.abc import Iterator

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import fallline as fl

GOOD_RATE = {"mlp": 0.5, "cnn": 0.5}
EXPLODING_RATE = {"mlp": 5.0, "cnn": 30.0}
BATCH = 128
HELD_OUT = 360


class MLP(nn.Sequential):
    """64-128-128-10: 26,122 parameters."""

    def __init__(self) -> None:
        super().__init__(
            nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
        )


class CNN(nn.Module):
    """Two convolutions and two linear layers: 60,478 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.hidden = nn.Linear(64 * 2 * 2, 156)
        self.output = nn.Linear(156, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Scores [N, 10] of images [N, 1, 8, 8]."""
        seen = nn.functional.max_pool2d(self.conv1(images).relu(), 2)
        seen = nn.functional.max_pool2d(self.conv2(seen).relu(), 2)
        return self.output(self.hidden(seen.flatten(1)).relu())


def digits() -> tuple[Tensor, Tensor]:
    """1,797 images [N, 1, 8, 8] between 0 and 1, and which digit each is [N]."""
    table = load_digits()
    images = torch.tensor(table.images, dtype=torch.float32).unsqueeze(1) / 16
    return images, torch.tensor(table.target)


def batches(images: Tensor, labels: Tensor, epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled mini-batches, epoch after epoch."""
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(BATCH):
            yield images[rows], labels[rows]


def train(model: nn.Module, learning_rate: float, epochs: int) -> float:
    """Train with plain SGD; the share of held-out digits it then reads right."""
    images, labels = digits()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    with fl.watch(model, optimizer) as watch:
        for x, y in batches(images[HELD_OUT:], labels[HELD_OUT:], epochs):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss, closure=lambda: loss_fn(model(x), y))
            if watch.should_stop:
                break
        with torch.no_grad():
            accuracy = (model(images[:HELD_OUT]).argmax(1) == labels[:HELD_OUT]).float().mean().item()
        watch.log(accuracy=accuracy)
    return accuracy


def main() -> int:
    """The four trainings, or those that were asked for."""
    parser = argparse.ArgumentParser(description="Train on scikit-learn's digits under fl.watch.")
    parser.add_argument("--model", choices=("mlp", "cnn"), help="only this network")
    parser.add_argument("--learning-rate", type=float, help="instead of one that trains well and one that explodes")
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # networks as small as these train fastest so
    for name in ("mlp", "cnn") if arguments.model is None else (arguments.model,):
        rates = (GOOD_RATE[name], EXPLODING_RATE[name])
        for rate in rates if arguments.learning_rate is None else (arguments.learning_rate,):
            torch.manual_seed(0)
            model = MLP() if name == "mlp" else CNN()
            print(f"{name}, learning rate {rate:g}", flush=True)
            accuracy = train(model, rate, arguments.epochs)
            print(f"reads {accuracy:.1%} of the held-out digits right\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
