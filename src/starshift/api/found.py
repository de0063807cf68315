"""What a search or a reuse came to, in words."""

from __future__ import annotations

from starshift.api.reuse import Found
from starshift.learnware import reuse
from starshift.learnware.candidates import Candidate
from starshift.report import words

COLUMNS = ("learnware", "what it is", "right on your pictures", "tells of your classes")


def rows(found: Found, top: int) -> list[tuple[str, ...]]:
    """The first candidates, a cell for each of COLUMNS."""
    return [
        (
            one.listed.reference,
            f"{one.listed.title}; {one.listed.licence or 'no licence named'}, {words.size(one.listed.size)}",
            f"{words.figure(one.accuracy)} ({words.interval(one.accuracy)})",
            f"{len(found.classes) - len(one.strangers(found.classes))} of {len(found.classes)}",
        )
        for one in found.candidates[:top]
    ]


def named(one: Candidate, classes: tuple[str, ...]) -> str:
    """What of a learnware's classes is taken for each of the user's, where names differ; "" where none does."""
    pairs = zip(classes, one.match.classes, strict=True)
    others = [f"{mine} = {theirs}" for mine, theirs in pairs if theirs and theirs != mine]
    return f"Classes of {one.listed.reference}: {', '.join(others)}." if others else ""


def lines(found: Found) -> list[str]:
    """What was searched, what could not be, and what the first candidates have not seen."""
    said = [
        f"{words.counted(found.searched, 'learnware')} in {found.store} searched by {words.count(found.pictures)} "
        f"pictures of {len(found.classes)} classes; {found.run} run on them."
    ]
    for why, count in found.unseen.items():
        if count:
            was = "is" if count == 1 else "are"
            said.append(f"Not searched: {words.counted(count, 'learnware')} of pictures that {was} {why}.")
    said += found.refused
    for one in found.candidates[:1]:
        said.append(named(one, found.classes))
        if strangers := one.strangers(found.classes):
            said.append(f"Outside what {one.listed.reference} has seen: {', '.join(strangers)}.")
    return [words.visible(one) for one in said if one]


def ways(found: Found) -> list[str]:
    """Every way that was tried, with its score on pictures that it was not fitted on."""
    names = [one.listed.reference for one in found.reused.candidates]
    said = [f"Tried with {', '.join(names) or 'no learnware'}; on pictures that were not fitted on:"]
    for way in found.reused.ways:
        mark = "→" if way is found.reused.way else " "
        said.append(
            f"{mark} {way.name:8}  {words.percent(way.accuracy):>7}, log loss {way.loss:.3f}  {reuse.WAYS[way.name]}"
        )
    return said


def verdict(found: Found) -> list[str]:
    """Whether anything here helps, by the paired comparison with frozen features and a head."""
    if not found.candidates:
        why = (
            "what was run knows these classes less well than a head of their own"
            if found.run
            else "no learnware could be run on these pictures"
        )
        return [f"Nothing here helps: {why}."]
    made, (gain, low, high) = found.reused, found.reused.gain
    if made.way.name == reuse.OWN:
        return [
            "Nothing here helps: frozen features and a head on these pictures alone are as good as everything that "
            "was tried."
        ]
    between = f" (95 % interval {low:+.3f} to {high:+.3f})" if low is not None and high is not None else ""
    figures = (
        f"against frozen features and a head, its log loss is {abs(gain):.3f} nats per picture "
        f"{'lower' if gain >= 0 else 'higher'}{between}; of accuracy, {made.accuracy.sentence}"
    )
    if made.helps:
        return [f"The store helps: the best way is {made.way.name}; {figures}."]
    return [f"Nothing here surely helps: the best way is {made.way.name}; {figures}."]
