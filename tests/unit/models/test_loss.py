import pytest
import torch
from torch.nn.functional import cross_entropy, log_softmax

from helios_nautilus.models.loss import training_loss

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.1, 0.2, 0.3], [-1.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
LABEL = torch.tensor([0, 2, 0, -1])
NO_WEIGHTS = torch.zeros(3)


def fit_constant(share: tuple[float, ...], log_weight: torch.Tensor, gamma: float) -> torch.Tensor:
    """The probabilities that a model without features learns from labels of these frequencies."""
    label = torch.repeat_interleave(torch.arange(3), torch.tensor([round(100 * each) for each in share]))
    logits = torch.zeros(3, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = training_loss(logits.expand(len(label), 3), label, log_weight, gamma)
        loss.backward()
        return loss

    optimiser.step(closure)
    return torch.softmax(logits.detach(), 0)


def test_without_weights_and_focus_it_is_the_cross_entropy_of_the_known_rows():
    wanted = cross_entropy(LOGITS[:3], LABEL[:3])
    assert training_loss(LOGITS, LABEL, NO_WEIGHTS) == pytest.approx(wanted.item())


def test_focal_loss_is_the_formula_of_the_paper():
    log_p = log_softmax(LOGITS, dim=1)[torch.arange(3), LABEL[:3]]
    wanted = (-((1 - log_p.exp()) ** 2.0) * log_p).mean()
    assert training_loss(LOGITS, LABEL, NO_WEIGHTS, 2.0) == pytest.approx(wanted.item())


def test_weighted_classes_leave_the_probabilities_those_of_the_data():
    p = fit_constant((0.1, 0.6, 0.3), torch.tensor([1.0, 0.0, 0.5]), 0.0)
    torch.testing.assert_close(p, torch.tensor([0.1, 0.6, 0.3]), atol=1e-3, rtol=0)


def test_focal_loss_makes_a_model_less_sure_than_the_data_warrant():
    mild, strong = (fit_constant((0.1, 0.7, 0.2), NO_WEIGHTS, gamma)[1].item() for gamma in (1.0, 3.0))
    assert 1 / 3 < strong < mild < 0.68


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_row_that_is_entirely_right_has_a_finite_slope(gamma):
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    training_loss(logits, torch.tensor([0]), NO_WEIGHTS, gamma).backward()
    assert torch.isfinite(logits.grad).all()
