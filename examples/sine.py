"""A small network on sin(2x), its path and its objective: for `fallline curvature` and `fallline surface`."""

import torch
from torch import nn

import fallline as fl

torch.manual_seed(0)
x = torch.linspace(-3, 3, 200)[:, None]
y = torch.sin(2 * x)
model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
path = []
for _ in range(300):
    path.append({name: p.detach().clone() for name, p in model.named_parameters()})
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()

objective = fl.Objective(model, nn.MSELoss(), (x, y))  # or a list of batches, or a loader
