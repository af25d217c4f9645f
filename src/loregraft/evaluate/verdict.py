"""The verdict: one sentence that the figures bear, and the arms that were not run."""

from collections.abc import Mapping

from loregraft.evaluate.significance import Interval, Verdict, verdict

NOT_RUN = (
    "continued pre-training on the same text without the graph",
    "the entity names alone, without their pairing",
    "another encoder or another graph",
)


def overall(contrasts: Mapping[tuple[str, str], Interval]) -> Verdict:
    """Judge by both controls: "helped" needs grafted above untouched and above shuffled.

    Both must hold, so no correction for two tests is due (intersection-union test; Berger 1982).
    """
    verdicts = [verdict(contrasts["grafted", other]) for other in ("untouched", "shuffled")]
    if all(found == "helped" for found in verdicts):
        return "helped"
    return "hurt" if verdicts[0] == "hurt" else "no evidence"


def sentence(
    status: Verdict,
    values: Mapping[str, float],
    contrasts: Mapping[tuple[str, str], Interval],
    asked: str,
    seeds: int,
) -> str:
    """Say what was found, with the figures.

    Args:
        values: Acc@1 by arm.
        asked: What was asked for, such as "lay terms of held-out concepts".
    """
    gain, over_shuffled = contrasts["grafted", "untouched"], contrasts["grafted", "shuffled"]
    opening = {
        "helped": "Knowledge helped",
        "no evidence": "No evidence that the knowledge helped",
        "hurt": "Knowledge hurt",
    }[status]
    harm = ""
    if verdict(contrasts["shuffled", "untouched"]) == "hurt":
        harm = " Shuffled names did harm, so the untouched encoder is the stricter of the two comparisons."
    runs = "1 seed" if seeds == 1 else f"{seeds} seeds"
    return (
        f"{opening}: on {asked} the grafted encoder finds the right concept first for "
        f"{values['grafted']:.1%}, the untouched one for {values['untouched']:.1%} "
        f"({_points(gain)}), one trained on a shuffled graph for {values['shuffled']:.1%} "
        f"({_points(over_shuffled)}); {runs}.{harm}"
    )


def _points(difference: Interval) -> str:
    value, low, high = (100 * number for number in (difference.value, difference.low, difference.high))
    return f"difference {value:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}"
