"""Tables of the hub, the same on SQLite and PostgreSQL.

    patron        one row a card and feed, sealed; a tombstone until it is forgotten
    batch         one row a change number: its nonce tells a restored database from its later self
    branch        the rules that its devices' rights were last made with; epoch rises with them
    device        tokens hashed, last heartbeat
    event         what devices delivered; no person
    activity      (patron, day), until the register has it
    tally         counts that outlive events

Times are RFC 3339 texts in UTC, days are ISO texts: both databases compare them alike.

Deliberately not here: what is in a sealed row (sealing), and how it changes (database).
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

METADATA: Final = MetaData()
SCHEMA: Final = 1

META: Final = Table(  # schema, hub_id, created, floor (changes up to it have lost tombstones)
    "meta",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

PATRON: Final = Table(
    "patron",
    METADATA,
    Column("feed", Text, primary_key=True),
    Column("card", LargeBinary, primary_key=True),  # 16 bytes: index under the hub's key
    Column("sealed", LargeBinary, nullable=False),  # a Person; of a tombstone the number alone
    Column("source", LargeBinary, nullable=False),  # 16 bytes: keyed digest of what was imported
    Column("ref", Text),  # opaque, of the patron; goes to devices
    Column("change", BigInteger, nullable=False),  # of the last batch that changed anything
    Column("rchange", BigInteger, nullable=False),  # of the last that changed restrictions
    Column("deleted", Boolean, nullable=False),
    Column("restricted", Boolean, nullable=False),  # may be restricted somewhere
    Column("unwrapped", Boolean, nullable=False),  # its bcrypt waits for argon2id
    Column("turns", Text),  # the day on which something in it changes by itself
    Column("seen", Text, nullable=False),  # id of the last full import that had it
    Index("patron_change", "change", "card"),
    Index("patron_rchange", "rchange", "card"),
    Index("patron_card", "card"),
    Index("patron_ref", "ref"),
    Index("patron_turns", "turns"),
    Index(
        "patron_unwrapped",
        "feed",
        "card",
        sqlite_where=text("unwrapped"),
        postgresql_where=text("unwrapped"),
    ),
)

BATCH: Final = Table(
    "batch",
    METADATA,
    Column("change", BigInteger, primary_key=True, autoincrement=False),
    Column("nonce", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("rows", Integer, nullable=False),
)

IMPORT: Final = Table(
    "import",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("full", Boolean, nullable=False),
    Column("started", Text, nullable=False),
    Column("ended", Text),
    Column("outcome", Text),  # JSON of its report; None while it runs or when it was cut off
)

BRANCH: Final = Table(
    "branch",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("rules", Text, nullable=False),  # canonical JSON of what decides its devices' rights
    Column("epoch", Integer, nullable=False),
)

DEVICE: Final = Table(
    "device",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("branch", Text, nullable=False),
    Column("token", LargeBinary),  # SHA-256; None: it has none
    Column("created", Text, nullable=False),
    Column("revoked", Text),
    Column("seen", Text),
    Column("state", Text),  # JSON of its last heartbeat, config_text left out
    Column("config_text", Text),
    Column("config_digest", Text),
    Column("journal", Text),
    Column("seq", BigInteger),
    Column("hash", Text),
    Column("alarm", Text),  # what is wrong with its chain; empty when nothing is
)

JOIN_CODE: Final = Table(
    "join_code",
    METADATA,
    Column("code", LargeBinary, primary_key=True),  # SHA-256
    Column("device", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("used", Text),
)

COMMAND: Final = Table(
    "command",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("done", Text),
    Index("command_device", "device"),
)

PUBLISHED: Final = Table(
    "published",
    METADATA,
    Column("branch", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("at", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the payload: it may hold card numbers
)

EVENT: Final = Table(
    "event",
    METADATA,
    Column("device", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("branch", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("received", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("journal", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON of the Event
    Index("event_at", "at"),
)

ACTIVITY: Final = Table(
    "activity",
    METADATA,
    Column("ref", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("received", Text, nullable=False),
)

TALLY: Final = Table(
    "tally",
    METADATA,
    Column("branch", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # local
    Column("hour", Integer, primary_key=True),
    Column("what", Text, primary_key=True),  # login, denied:REASON, checkout, checkin, renewal
    Column("n", Integer, nullable=False),
)

LEASE: Final = Table(  # of several hubs one does the chores
    "lease",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Text, nullable=False),
)

PIN_FAILURE: Final = Table(  # wrong PINs of POST /v1/verify, by card
    "pin_failure",
    METADATA,
    Column("card", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", Text),
)
