"""The reference pages of the book: operations, properties, profiles, choice points and bugs, from their definitions.

The pages are Markdown as myst-parser reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from refmodel.kernel import choices
from refmodel.machine import ChoicePoint
from refmodel.machine.introspect import OperationInfo, StepInfo
from refmodel.museum import EXHIBITS, NOT_IN_THIS_ROOM, Exhibit
from refmodel.profiles import NAMED, PROFILES
from refmodel.profiles.neighbours import NEIGHBOURS
from refmodel.properties import PROPERTIES, Property
from refmodel.report.book_differences import difference_name, difference_title, looks_different
from refmodel.report.compare import Difference, OperationDifference, StepDifference, difference
from refmodel.report.spec import operations

Page = Iterable[str]
"""The lines of a page."""


def write_pages(outdir: str | Path) -> None:
    """Write all reference pages below a directory, which is made if it does not exist."""
    for name, page in _pages():
        path = Path(outdir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(page) + "\n", encoding="utf-8")


def prose(text: str) -> str:
    """Return plain text as Markdown: what stands between backticks is code, nothing else has a meaning."""
    parts = re.split(r"(`+[^`]*`+)", text)
    return "".join(
        part if part[:1] == "`" else re.sub(r"([\\*_\[\]<>{}#|~$])", r"\\\1", part) for part in parts
    )


def _pages() -> Iterator[tuple[str, Page]]:
    versions = _versions()
    yield "operations.md", _operations_page(versions)
    for name, infos in versions.items():
        yield f"operations/{name}.md", _operation_page(name, infos)
    yield "properties.md", _properties_page()
    yield "profiles.md", _profiles_page()
    for pair in NEIGHBOURS:
        yield f"differences/{difference_name(*pair)}.md", _difference_page(*pair)
    yield "choice-points.md", _choices_page(versions)
    yield "museum.md", _museum_page()


Versions = dict[str, dict[OperationInfo, list[str]]]
"""Operations by name; the different definitions of each, with the profiles that have it."""


def _versions() -> Versions:
    found: Versions = {}
    for profile in NAMED.values():
        for name, info in operations(profile).items():
            found.setdefault(name, {}).setdefault(info, []).append(profile.name)
    return found


# --- operations --------------------------------------------------------------------------------------------


def _operations_page(versions: Versions) -> Page:
    yield from ("# Operations", "")
    yield from ("Every operation of the model, in the order in which a page meets them.", "")
    for name, infos in versions.items():
        yield f"- [`{name}`](operations/{name}.md): {prose(next(iter(infos)).summary)}"
    yield from ("", "```{toctree}", ":hidden:", "", *(f"operations/{name}" for name in versions), "```")


def _operation_page(name: str, infos: dict[OperationInfo, list[str]]) -> Page:
    yield from (f"# {name}", "")
    for info, profiles in infos.items():
        yield from (f"## {', '.join(profiles)}", "", prose(info.text), "")
        yield from _facts(info)
        for step in info.steps:
            yield from _step(info, step)


def _facts(info: OperationInfo) -> Iterator[str]:
    arguments = (f"`{field.name}: {field.type}`" for field in info.arguments)
    variables = (f"`{field.name}: {field.type} = {field.default}`" for field in info.variables)
    yield from _list(
        Source=[prose(info.source)],
        Requirements=info.requirements,
        Arguments=arguments,
        Variables=variables,
        Class=[f"`{info.name}`"],
    )


def _step(info: OperationInfo, step: StepInfo) -> Iterator[str]:
    yield from (f"### {step.name}", "", prose(step.text), "")
    for way in step.successors:
        yield f"- if `{way.guard}`: `{way.next}`" if way.guard else f"- otherwise: `{way.next}`"
    yield ""
    yield from _list(
        May_fail=_code(step.failures),
        Chosen_by_the_environment=_code(name for name in step.choices if name not in step.failures),
        Counts=_code(step.counters),
        Tells=_code(step.events),
        Reads=_code(step.reads),
        Writes=_code(step.writes),
        Source=[prose(step.source)] * (step.source != info.source),
        Requirements=step.requirements if step.requirements != info.requirements else (),
    )


def _code(names: Iterable[str]) -> Iterator[str]:
    return (f"`{name}`" for name in names)


def _list(**facts: Iterable[str]) -> Iterator[str]:
    """Yield facts that are not empty as a definition list; underscores in the labels stand for blanks."""
    for label, values in facts.items():
        text = ", ".join(values)
        if text:
            yield from (label.replace("_", " "), f": {text}", "")


# --- properties --------------------------------------------------------------------------------------------

_WHEN = {
    "rest": "Whenever no operation is under way",
    "step": "Between any two steps",
    "history": "Of the events of each command",
}


def _properties_page() -> Page:
    yield from ("# Properties", "")
    yield from ("What must hold, and the known bug or planted mistake that each of them catches.", "")
    for when, heading in _WHEN.items():
        of_this_kind = [each for each in PROPERTIES if each.when == when]
        if of_this_kind:
            yield from (f"## {heading}", "")
        for each in of_this_kind:
            yield from _property(each)


def _property(each: Property) -> Iterator[str]:
    yield from (f"### {each.id}", "", prose(each.sentence), "")
    yield from _list(
        Source=[prose(each.source)],
        Requirements=each.requirements,
        Broken_by=[prose(each.bug)] * bool(each.bug),
        Not_in=(f"Linux {kernel}" for kernel in each.not_in),
    )


# --- profiles ----------------------------------------------------------------------------------------------


def _profiles_page() -> Page:
    yield from ("# Profiles", "")
    yield from ("The profiles, and what differs between neighbours: in their steps, and to an observer.", "")
    for profile in NAMED.values():
        yield from (f"`{profile.name}`", f": {prose(profile.summary)}", "")
    pages = [(difference_name(*pair), difference_title(*pair)) for pair in NEIGHBOURS]
    yield from (f"- [{title}](differences/{name}.md)" for name, title in pages)
    yield from ("", "```{toctree}", ":hidden:", "", *(f"differences/{name}" for name, _ in pages), "```")


def _difference_page(before: str, after: str) -> Page:
    yield from (f"# {difference_title(before, after)}", "")
    yield from looks_different(before, after)
    yield from _difference(difference(PROFILES[before], PROFILES[after]))


def _difference(found: Difference) -> Iterator[str]:
    yield from ("## Options and operations", "")
    if found.options:
        yield from (f"| option | {found.before} | {found.after} |", "|---|---|---|")
        yield from (f"| `{name}` | {one} | {other} |" for name, (one, other) in found.options.items())
        yield ""
    for operation in found.operations:
        yield from _operation_difference(operation)
    yield from (f"{found.same} operations are the same.", "")


def _operation_difference(operation: OperationDifference) -> Iterator[str]:
    yield from (f"### [{operation.operation}](../operations/{operation.operation}.md)", "")
    sentences = dict.fromkeys(filter(None, (operation.before, operation.after)))
    yield from (" **became** ".join(map(prose, sentences)), "")
    yield from (f"- {_step_difference(step)}" for step in operation.steps)
    yield ""


def _step_difference(step: StepDifference) -> str:
    name = f"`{step.step}` {step.kind}"
    if step.through:
        return f"{name} in {', '.join(_code(each.removeprefix('.') for each in step.through))}"
    sentences = dict.fromkeys(filter(None, (step.before, step.after)))
    return f"{name}: {' **became** '.join(map(prose, sentences))}"


# --- choice points -----------------------------------------------------------------------------------------


def _choices_page(versions: Versions) -> Page:
    yield from ("# Choice points", "")
    yield from ("What the modelled code does not decide itself.", "")
    for point in vars(choices).values():
        if isinstance(point, ChoicePoint):
            yield from (f"## {point.name}", "", prose(point.meaning), "")
            asking = [name for name, infos in versions.items() if _asks(infos, point.name)]
            yield from _list(
                Kind=["failure" if point.fault else "free choice"],
                Asked_in=(f"[`{name}`](operations/{name}.md)" for name in asking),
            )


def _asks(infos: Iterable[OperationInfo], point: str) -> bool:
    return any(point in step.choices for info in infos for step in info.steps)


# --- museum ---------------------------------------------------------------------------------------------------


def _museum_page() -> Page:
    yield from ("# Museum", "")
    yield from (
        "Known bugs of the kernel, each put back into the model as a profile with steps replaced.",
        "",
    )
    for exhibit in EXHIBITS:
        yield from _exhibit(exhibit)
    yield from ("## Not shown yet", "", "What these bugs wait for.", "")
    for id, reason in NOT_IN_THIS_ROOM.items():
        yield from (prose(id), f": {prose(reason)}", "")


def _exhibit(exhibit: Exhibit) -> Iterator[str]:
    yield from (f"## {exhibit.id}", "", f"**{prose(exhibit.title)}.** {prose(exhibit.story)}", "")
    replaced = (f"[`{name}`](operations/{name}.md)" for name in exhibit.operations)
    yield from _list(
        Source=[prose(exhibit.source)],
        Put_into=[f"`{exhibit.base}`"],
        Replaced=replaced,
        Breaks=exhibit.breaks or (exhibit.meets,),
    )
