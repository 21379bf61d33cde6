"""Reports as Markdown, in GitHub's flavour: for a pull request, a wiki, a notebook.

Other people's text cannot format, link, mention or break a table: a word with a sign that means
something to Markdown is shown as code.
"""

import re
from dataclasses import replace

from forecast.reports.phrases import clean, instant_words
from forecast.reports.sections import sections
from forecast.reports.sentence import opening
from forecast.reports.table import Section, Table
from forecast.reports.view import QuestionReport
from forecast.reports.watch import WatchReport
from forecast.reports.watch_table import shared_words, watch_table

# Emphasis, code, links, HTML, entities, tables, escapes, issues, mentions, strike-through,
# mathematics, addresses, commits and emoji; and what makes a list, a rule, a heading or a
# quotation where it stands first.
_MEANS_SOMETHING = re.compile(
    r"[_*`\[\]|\\#@~$]|<(?=[a-z/!?])|&(?=[a-z#])|://|^www\.|^[0-9a-f]{7,}$|:[\w+-]+:", re.IGNORECASE
)
_FIRST = re.compile(r"^[-+=]+$|^\d+[.)]$|^>")


def words(text: str, limit: int = 2000) -> str:
    r"""`text` in one line, in which every word that Markdown could read otherwise is code.

    >>> words("large_strike of *all*, 4 % (a|b)")
    '`large_strike` of `*all*,` 4 % `(a\\|b)`'
    """
    found = clean(text, limit).split(" ")
    return " ".join(_word(each, is_first=n == 0) for n, each in enumerate(found))


def _word(text: str, is_first: bool) -> str:
    if not (_MEANS_SOMETHING.search(text) or (is_first and _FIRST.search(text))):
        return text
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, gap = "`" * (longest + 1), " " if longest else ""
    escaped = text.replace("|", "\\|")  # a table's cell ends at a bar even within code
    return f"{fence}{gap}{escaped}{gap}{fence}"


def section_markdown(section: Section, level: str) -> list[str]:
    """The paragraphs of a section under a heading of that level ('##')."""
    parts = [f"{level} {words(section.title)}", *(words(each) for each in section.words)]
    if section.facts:
        rows = [f"| {words(name)} | {words(value)} |" for name, value in section.facts]
        parts.append("\n".join(["| | |", "|---|---|", *rows]))
    if section.table is not None:
        table, title = section.table, words(section.title).lower()
        shown = 0 if section.folded else section.shown or len(table.rows)
        if shown or not table.rows:
            parts.append(table_markdown(replace(table, rows=table.rows[:shown])))
        if rest := table.rows[shown:]:
            more = f"{len(rest)} more, {title}" if shown else f"The numbers, {title}"
            folded = table_markdown(replace(table, rows=rest))
            parts.append(f"<details><summary>{more}</summary>\n\n{folded}\n\n</details>")
    parts += [words(each) for each in section.after]
    return parts


def table_markdown(table: Table) -> str:
    """A table; its marked row is bold."""
    head = "| " + " | ".join(words(column.name) or " " for column in table.columns) + " |"
    rule = "|" + "|".join("---:" if column.is_number else "---" for column in table.columns) + "|"
    rows = []
    for number, row in enumerate(table.rows):
        cells = [words(cell) for cell in row]
        if number == table.marked:
            cells = [f"**{cell}**" if cell else "" for cell in cells]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([head, rule, *rows])


def question_markdown(report: QuestionReport) -> str:
    """The report of one question, from the sentence down to the small print."""
    parts = [f"# {words(report.question.title, 300)}", words(opening(report))]
    parts += [f"> Caveat: {words(caveat, 600)}" for caveat in report.caveats]
    parts += [words(" ".join(report.asides))] if report.asides else []
    for section in sections(report):
        parts += section_markdown(section, "##")
    return "\n\n".join([*parts, f"Read {instant_words(report.now)}."]) + "\n"


def watch_markdown(report: WatchReport) -> str:
    """Every question in a row, the ones that need attention first."""
    head = [f"# {words(report.title, 200)}", f"Read {instant_words(report.now)}."]
    table = table_markdown(watch_table(report)) if report.rows else "No questions yet."
    shared = [words(shared_words(report))] if report.shared else []
    return "\n\n".join([*head, *shared, table]) + "\n"
