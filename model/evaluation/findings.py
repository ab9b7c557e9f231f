"""What the gate finds of a candidate: how it compares with guessing and with the live model."""

from dataclasses import dataclass, field

from model.evaluation.anew import Anew
from model.evaluation.gate import AgainstChance, Comparison, Outcome, together
from model.evaluation.several_gate import SeveralAgainstChance
from model.evaluation.thresholds_gate import OtherThresholds

ANEW = "pictures that were learned from, both trained anew in folds"


@dataclass(frozen=True)
class GateFindings:
    """A candidate's comparisons with guessing and with the live model, and the test pictures used.

    `pictures` is their number and `labels` are their labels. `is_first` says that the project has had no live model.
    `rejected` says how many pictures that show none of the labels each answers, if some test that.
    `other_kind` says that the live model gives a picture one label where the candidate gives several, or the other way
    round, so that the two cannot be compared. `anew` compares how both were made, or it is said in `why_not_anew` why
    that could not be done. `thresholds` says what changes if both have the same weights, and nothing else is compared.
    """

    chance: AgainstChance | SeveralAgainstChance | None = None
    comparison: Comparison | None = None
    pictures: int = 0
    labels: list[str] = field(default_factory=list)
    is_live_usable: bool = True
    is_first: bool = False
    rejected: str = ""
    other_kind: str = ""
    anew: Anew | None = None
    why_not_anew: str = ""
    thresholds: OtherThresholds | None = None

    @property
    def outcome(self) -> Outcome | None:
        """How the candidate compares with the live model: worse if the test pictures alone say so, else as both
        comparisons say together. None if the two could not be compared."""
        if self.comparison is None or self.comparison.outcome is Outcome.WORSE or self.anew is None:
            return self.comparison.outcome if self.comparison else None
        return together(self.comparison, self.anew.comparison).outcome

    @property
    def could_pass(self) -> bool:
        """Whether the candidate passes by the test pictures, or may by another comparison with the live model."""
        is_better_than_chance = self.chance is not None and self.chance.outcome is Outcome.BETTER
        return is_better_than_chance and self.comparison is not None and self.outcome is not Outcome.WORSE

    def sentence(self) -> str:
        """The findings in a sentence or two, for a person and for the history."""
        if self.thresholds is not None:
            return self.thresholds.sentence()
        if self.comparison is not None and self.comparison.outcome is Outcome.WORSE:
            return self.comparison.sentence()
        if self.comparison is not None and self.anew is not None:
            both = together(self.comparison, self.anew.comparison)
            return f"{both.sentence()} {self.comparison.sentence()} {self.anew.comparison.sentence(ANEW)}"
        if self.comparison is not None:
            return self.comparison.sentence()
        if self.chance is not None and self.is_first:
            return f"{self.chance.sentence()} It is the first live model of its project."
        if self.chance is not None and self.other_kind:
            return f"{self.chance.sentence()} {self.other_kind}"
        if self.chance is not None:
            live = "knew none of these labels" if self.is_live_usable else "could not be used"
            return f"{self.chance.sentence()} The live model {live}."
        return "nothing was compared"

    def details(self) -> list[str]:
        """Further facts for the user, one per line."""
        lines = self.comparison.details() if self.comparison else []
        lines += [self.rejected] if self.rejected else []
        lines += self.anew.details() if self.anew else []
        return lines + ([self.why_not_anew] if self.why_not_anew else [])
