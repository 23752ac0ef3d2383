"""The prompts of a take: templates with its variables filled in, and all that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath

from kfpipe.errors import Position, Problem, Severity
from kfpipe.files.text import normalised, normalised_values
from kfpipe.manifest.document import Document
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import Manifest, PromptFile, Shot
from kfpipe.takes import matrix, prompts, sandbox, seeds
from kfpipe.takes.expand import Draft
from kfpipe.wording import echoed

Texts = tuple[str | None, str | None]
"""The prompt and the negative prompt; None for one that was refused."""


class PromptTexts:
    """The texts of one manifest's takes. `files` are the prompt files by path; problems are added to `problems`."""

    def __init__(
        self, manifest: Manifest, document: Document, files: Mapping[str, str], problems: list[Problem]
    ) -> None:
        self._variables = normalised_values(manifest.variables)
        self._document = document
        self._files = files
        self._problems = problems

    def of(self, draft: Draft, derived_seed: int = seeds.STAND_IN) -> Texts:
        """The prompt and the negative prompt as they are sent: none with an effect, None what was refused."""
        if draft.settings.template is not None:
            return "", ""
        prompt = self._rendered(draft, "prompt", draft.settings.prompt, derived_seed)
        return prompt, self._rendered(draft, "negative_prompt", draft.settings.negative_prompt, derived_seed)

    def speak_of_the_seed(self, draft: Draft) -> bool:
        """Whether one of the prompts has to be read again when the seed is known."""
        settings = draft.settings
        if settings.template is not None:
            return False
        return "seed" in (self._template(settings.prompt) or "") or "seed" in settings.negative_prompt

    def findings_without_a_seed(self, draft: Draft, model: str) -> Iterator[Finding]:
        """The prompts that speak of a seed which the model does not have, and nobody has given."""
        if isinstance(draft.settings.seed, int) or not self.speak_of_the_seed(draft):
            return
        for name, source in (("prompt", draft.settings.prompt), ("negative_prompt", draft.settings.negative_prompt)):
            with suppress(sandbox.PromptInvalid):  # which is told elsewhere
                if "seed" in prompts.names(self._template(source) or ""):
                    yield Finding(
                        path=draft.path_of(name),
                        what=f"the {name.replace('_', ' ')} speaks of `seed`, and {model} does not have one",
                        fix="take it out of the prompt, or vary a name of your own in the matrix and speak of that",
                    )

    def _rendered(self, draft: Draft, name: str, source: str | PromptFile, derived_seed: int) -> str | None:
        """The text of one of the two prompts, without blanks at its ends; None when it was refused.

        Most negative prompts, and many others, are not templates: the variables are gathered for those that are.
        """
        template = self._template(source)
        if template is None or name in draft.shot.refused:
            return None
        if "{" not in template:
            return template.strip()
        try:
            variables = draft.variables(self._variables, derived_seed=derived_seed)
            text = normalised(prompts.render(template, variables)).strip()
        except sandbox.PromptInvalid as error:
            self._problems.append(self._prompt_problem(draft, name, source, template, error))
            return None
        if (comment := prompts.comment(template)) is not None:
            self._problems.append(self._comment_warning(draft, name, source, template, comment))
        return text

    def _template(self, source: str | PromptFile) -> str | None:
        return self._files.get(source.path) if isinstance(source, PromptFile) else normalised(source)

    def _comment_warning(
        self, draft: Draft, name: str, source: str | PromptFile, template: str, comment: tuple[str, int]
    ) -> Problem:
        """A comment vanishes, and may have been meant as text."""
        text, line = comment
        left_out = sandbox.PromptInvalid(
            f"{echoed('{#' + text + '#}')} is a comment of the template, and no part of the prompt",
            line=line,
            fix="to send it as it stands, write {{ '{#' }} for its beginning; else delete it",
        )
        problem = self._prompt_problem(draft, name, source, template, left_out)
        return replace(problem, severity=Severity.WARNING)

    def _prompt_problem(
        self, draft: Draft, name: str, source: str | PromptFile, template: str, error: sandbox.PromptInvalid
    ) -> Problem:
        """The line counts in a prompt's own file; inside the manifest the position is that of the whole prompt."""
        if isinstance(source, PromptFile):
            return Problem(
                file=str(PurePath(self._document.file).parent / source.path),
                position=Position(line=error.line, column=1),
                where=draft.shot.where,
                what=error.what,
                fix=error.fix,
            )
        line = f" (line {error.line} of the prompt)" if "\n" in template.strip() else ""
        finding = Finding(path=draft.path_of(name), what=f"{error.what}{line}", fix=error.fix)
        return finding.problem(self._document, draft.shot.where)

    def unused_axes(self, shot: Shot, drafts: Sequence[Draft]) -> Iterable[Finding]:
        """Axes without effect on prompts and seeds, as far as the prompts can be read."""
        template = self._template(shot.settings.prompt)
        if shot.matrix is None or template is None or "prompt" in shot.refused:
            return ()
        axes = shot.matrix.axes
        values = [shot.settings.negative_prompt, *axes.get("negative_prompt", ()), *axes.get("prompt", ())]
        try:
            spoken_of = {name for source in (template, *map(str, values)) for name in prompts.names(source)}
        except sandbox.PromptInvalid:
            return ()
        in_seeds = {name for draft in drafts if draft.has_derived_seed for name in draft.free_values}
        return matrix.unused_findings(shot.matrix, spoken_of, in_seeds=in_seeds)
