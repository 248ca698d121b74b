"""NT-Xent: self-supervised loss between two crops of each clip.

SimCLR, Chen et al. 2020, equation 1; beside the loss over texts in MusCALL (Manco et al. 2022,
section 3.3).
"""

import torch
from torch import Tensor
from torch.nn import functional


def nt_xent(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Return the normalised temperature-scaled cross entropy of two ``(batch, dim)`` unit rows.

    Examples:
        >>> import torch
        >>> rows = torch.eye(4)
        >>> round(nt_xent(rows, rows, temperature=0.5).item(), 4)
        0.5944
    """
    rows = torch.cat([one, other])
    logits = rows @ rows.T / temperature
    own = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    wanted = torch.arange(len(rows), device=rows.device).roll(len(one))
    return functional.cross_entropy(logits.masked_fill(own, -torch.inf), wanted)
