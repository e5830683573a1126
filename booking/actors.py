"""Who does something, as the event log keeps it: a kind and an id, never a name."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts on a booking.

    A customer and an integration keep the venue's rules (cut-offs, hold lengths); staff, owners
    and the engine itself may go past those that only protect the venue.
    """

    kind: str
    id: str | None = None

    @property
    def keeps_rules(self) -> bool:
        """Whether the venue's cut-offs bind this actor."""
        return self.kind in ("customer", "integration")

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


CUSTOMER = Actor("customer")
DECIDER = Actor("decider")
SWEEPER = Actor("sweeper")
SYSTEM = Actor("system")


def customer(user_id: UUID | None) -> Actor:
    """Return the actor for a customer, by their account if there is one."""
    return Actor("customer", str(user_id)) if user_id else CUSTOMER


def staff(user_id: UUID) -> Actor:
    """Return the actor for a signed-in member of a venue."""
    return Actor("staff", str(user_id))
