"""What the gate finds of a candidate, and what follows from it."""

import pytest

from imagestore.errors import GateOverride, PromotionRefused
from model.evaluation.anew import Anew
from model.evaluation.findings import GateFindings
from model.evaluation.gate import AgainstChance, Comparison, Outcome
from model.promote import decide


def comparison(difference: float, unseen: float = 0.1) -> Comparison:
    """A comparison that found this difference, and would mostly show one of `unseen`."""
    around = 1.96 * unseen / 2.8
    low, high = difference - around, difference + around
    outcome = Outcome.WORSE if high < 0 else Outcome.BETTER if low > 0 else Outcome.CANNOT_TELL
    return Comparison(
        outcome, 0.8 + difference, 0.8, difference, low, high, 100, 100, [], ["a", "b"], [], [], unseen, 400
    )


def findings(tested: float, anew: float) -> GateFindings:
    chance = AgainstChance(0.8, 0.7, 0.9, 2, 100)
    return GateFindings(chance, comparison(tested), 100, ["a", "b"], anew=Anew(comparison(anew, 0.05), True, 3))


def test_what_test_pictures_are_too_few_to_show_both_trained_anew_may_show() -> None:
    assert decide(findings(0.03, 0.06), GateOverride.NOTHING).startswith("Better, by two comparisons together: ")
    with pytest.raises(PromotionRefused, match="Worse, by two comparisons together: ") as refused:
        decide(findings(0.0, -0.06), GateOverride.ACCEPT_EQUAL)
    assert refused.value.override is GateOverride.FORCE
    assert "3 pictures have another label than the live model learned" in refused.value.details[-1]
    with pytest.raises(PromotionRefused, match="too close to call"):
        decide(findings(0.0, 0.02), GateOverride.NOTHING)


def test_what_test_pictures_show_to_be_worse_is_refused_whatever_else_is_found() -> None:
    with pytest.raises(PromotionRefused, match=r"^Worse: macro-F1 0\.700"):
        decide(findings(-0.1, 0.1), GateOverride.ACCEPT_EQUAL)
