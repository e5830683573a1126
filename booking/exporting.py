"""That somebody took a list out of the house is written down before its first row is read."""

from collections.abc import Mapping, Sequence

from booking.actors import Actor
from booking.audit import note_act
from booking.transactions import retried, transaction
from models import Act


@retried
def note_export(
    *, listed: str, form: str, venue_ids: Sequence[int], chosen: Mapping[str, str], by: Actor
) -> None:
    """Note for each venue that a list of its rows was taken as a file.

    `chosen` names the filters that were set, without what was typed into them where that may be
    somebody's name.
    """
    with transaction() as tx:
        for venue_id in venue_ids:
            note_act(
                tx,
                Act.EXPORTED,
                venue_id=venue_id,
                subject=f"list:{listed}",
                by=by,
                form=form,
                chosen=dict(chosen),
            )
