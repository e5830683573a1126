"""Say whose pages may show a venue's booking form, and print the line that puts it there."""

import sys

import click

from booking.errors import BookingError
from booking.framing import allow_framing
from settings import settings


@click.command()
@click.argument("venue")
@click.argument("origins", nargs=-1, metavar="[ORIGIN]...")
def main(venue: str, origins: tuple[str, ...]) -> None:
    """Let pages of these origins, and of no others, frame the form of VENUE (a slug)."""
    try:
        allow_framing(venue=venue, origins=origins)
    except BookingError as refusal:
        click.echo(f"holdfast: {refusal}", err=True)
        sys.exit(1)
    if not origins:
        click.echo("No other site may show the form.", err=True)
        return
    click.echo(f'<script src="{settings.base_url}/embed/{venue}.js"></script>')


if __name__ == "__main__":
    main()
