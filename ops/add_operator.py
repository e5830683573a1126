"""Let somebody run the installation: they see all venues, once they have a second factor."""

import sys

import click

from booking.errors import BookingError
from booking.people import make_operator


@click.command()
@click.argument("email")
def main(email: str) -> None:
    """Make somebody an operator; whoever has no password yet gets a link that sets one."""
    try:
        link = make_operator(email=email)
    except BookingError as refusal:
        click.echo(f"holdfast: {refusal}", err=True)
        sys.exit(1)
    click.echo(f"{email} is an operator.")
    if link is not None:
        click.echo(f"Set a password within half an hour: {link}")
    click.echo("The second factor is asked for at the first sign-in.", err=True)


if __name__ == "__main__":
    main()
