"""Make or revoke the token with which a program works with a venue's bookings."""

import sys
from uuid import UUID

import click

from booking.api_tokens import Scope, create_api_token, revoke_api_token
from booking.errors import BookingError


@click.command()
@click.option("--venue", help="The venue's slug.")
@click.option("--name", help="What the token is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice([scope.value for scope in Scope])
)
@click.option("--revoke", type=click.UUID, metavar="ID", help="Make this token void for good.")
def main(venue: str | None, name: str | None, scopes: tuple[str, ...], revoke: UUID | None) -> None:
    """Make a token for a venue and show it once, or revoke one."""
    try:
        if revoke is not None:
            revoke_api_token(token_id=revoke)
            click.echo(f"revoked: {revoke}")
            return
        if not (venue and name and scopes):
            raise click.UsageError("give --venue, --name and at least one --scope, or --revoke")
        made = create_api_token(venue=venue, name=name, scopes=scopes)
    except BookingError as refusal:
        click.echo(f"holdfast: {refusal}", err=True)
        sys.exit(1)
    click.echo(f"id:    {made.id}\ntoken: {made.token}")
    click.echo("The token is shown this once; only its hash is kept.", err=True)


if __name__ == "__main__":
    main()
