"""`helios why`: the whole story of one decision."""

import click

from helios_nautilus.cli.output import console, print_json
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.lookup import describe_others, match_decision
from helios_nautilus.report.story import tell_story
from helios_nautilus.report.story_terminal import print_story


@click.command()
@click.argument("name", metavar="ID")
@click.option("--run", "run", metavar="RUN", help="Look in this run only; the beginning of its id is enough.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, the records themselves included.")
def why(name: str, run: str | None, as_json: bool) -> None:
    """Tell the story of a trade, or of why there was none: from the bar to the last fill.

    ID is a decision id, client order id, position id or trade id. If several runs have it, the newest is told.
    """
    with open_journal() as journal:
        match = match_decision(journal, name, run)
        found = match.found
        records = journal.decision(found.run_id, found.decision_id)
        story = tell_story(journal.run_record(found.run_id), records, found.run_id, describe_others(match))
    if as_json:
        print_json(story)
    else:
        print_story(story, console())
