"""The plain script that fallline is measured against: the textbook line as one writes it in PyTorch."""

import torch

torch.manual_seed(0)
x = torch.linspace(0, 10, 100).unsqueeze(1)
y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
model = torch.nn.Linear(1, 1)
loss_fn = torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(1, 201):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    if epoch % 40 == 0:
        print(f"epoch {epoch:3d}  loss {loss.item():.4f}")
print(f"weight {model.weight.item():.4f}  bias {model.bias.item():.4f}")
