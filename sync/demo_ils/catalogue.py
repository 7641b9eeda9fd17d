"""What the demo's library has on its shelves. Pure.

Old classics and a few books that nobody wrote. Item numbers fit the demo's pattern of items.
Deliberately not here: who has what on loan (people), and where an item is now (rules).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

HERE: Final = "ESI"  # the demo's own branch
OTHER: Final = "KES"
BRANCHES: Final = (HERE, OTHER)
CURRENCY: Final = "EUR"
FREE: Final = Decimal(0)


class Lending(StrEnum):
    """Whether an item may leave the house."""

    ALLOWED = "allowed"
    REFERENCE = "reference"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Item:
    """home: the branch it belongs to. fee: of a loan, in CURRENCY. media: of three digits [spec].

    bin: where a return drops it at its own branch.
    """

    number: str
    title: str
    home: str = HERE
    fee: Decimal = FREE
    lending: Lending = Lending.ALLOWED
    media: str = "001"  # book
    bin: str = "1"


KALEVALA: Final = "167N00000001"
BROTHERS: Final = "167N00000002"  # on loan to Aino, like the two below
SAGNER: Final = "167N00000003"  # renewed as often as may be
RAILWAY: Final = "167N00000004"
RESERVED: Final = "167N00000005"  # on the shelf, reserved for somebody
WAITING: Final = "167N00000006"  # on the hold shelf
QUEUED: Final = "167N00000007"  # on loan, with a queue
TRAVELS: Final = "167N00000008"  # of the other branch, on loan
LATE: Final = ("167N00000009", "167N00000010")
REFERENCE: Final = "167N00000011"
LOST: Final = "167N00000012"
WITH_FEE: Final = "167N00000013"
AT_LIMIT: Final = tuple(f"167N000000{number}" for number in range(14, 20))
RESERVED_THERE: Final = "167N00000020"  # on loan, reserved for pick-up at the other branch
ON_SHELF: Final = (KALEVALA, *(f"167N000000{number}" for number in range(21, 26)))

ITEMS: Final = (
    Item(KALEVALA, "Kalevala"),
    Item(BROTHERS, "Seitsemän veljestä"),
    Item(SAGNER, "Fänrik Ståls sägner"),
    Item(RAILWAY, "Rautatie"),
    Item(RESERVED, "Kanteletar"),
    Item(WAITING, "Välskärin kertomuksia"),
    Item(QUEUED, "Gösta Berlings saga"),
    Item(TRAVELS, "Hämärän kääntöpiiri", home=OTHER),
    Item(LATE[0], "Röda rummet"),
    Item(LATE[1], "Nummisuutarit"),
    Item(REFERENCE, "Järviseudun pitäjänhistoria", lending=Lending.REFERENCE),
    Item(LOST, "Åäö: ett litet alfabet", lending=Lending.LOST),
    Item(WITH_FEE, "Kesäyön elokuva (DVD)", fee=Decimal("2.00"), media="006", bin="2"),
    Item(AT_LIMIT[0], "Anna-Liisa"),
    Item(AT_LIMIT[1], "Työmiehen vaimo"),
    Item(AT_LIMIT[2], "Putkinotko"),
    Item(AT_LIMIT[3], "Sången om den eldröda blomman"),
    Item(AT_LIMIT[4], "Vänrikki Stoolin tarinat"),
    Item(AT_LIMIT[5], "Det går an"),
    Item(RESERVED_THERE, "Fröken Julie"),
    Item(ON_SHELF[1], "Pöytälaatikon runoja"),
    Item(ON_SHELF[2], "Sähköoppia öisin"),
    Item(ON_SHELF[3], "Skärgårdens fåglar"),
    Item(ON_SHELF[4], "Kissa kirjastossa", home=OTHER),
    Item(ON_SHELF[5], "Helsinkiin"),
)
