"""The project's scripts on a real MariaDB, and what the importer makes of what they print.

Days are told from the database's own clock here: the scripts ask it what is live.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from kioskd.domain.credential import Restriction, RestrictionKind
from kioskd.errors import InputError
from sync.hub.imports.koha_rows import KEYS, OTHER_HASH, PIN_EXPIRED
from sync.hub.imports.rows import PersonRow
from sync.hub.model import AgeState, KohaConfig
from tests.koha.exported import BCRYPT, RULES, Outcome, Read
from tests.koha.mariadb import BLOCKS, SCRIPTS, Failed, Register

BLOCK, DEBARRED = RestrictionKind.SELF_SERVICE_BLOCK, RestrictionKind.DEBARRED
GRANTS = (SCRIPTS.parents[1] / "docs" / "KOHA.md").read_text(encoding="utf-8")


def today(register: Register) -> date:
    return date.fromisoformat(register.sql("SELECT CURDATE()").strip())


def imported(register: Register, read: Read, kind: str = "full", **settings: str) -> Outcome:
    """The script's output, through the parser that the hub has for it."""
    read.rules = replace(RULES, today=today(register))
    return read(register.export(kind, **settings), full=kind == "full")


def kinds(outcome: Outcome, card: str = "167A000001") -> set[RestrictionKind]:
    return {restriction.kind for restriction in outcome.person(card).restrictions}


def test_a_patron_without_a_mark_comes_with_a_verifier_and_nothing_else(
    register: Register, read: Read
) -> None:
    register.patron(1, password=BCRYPT, lang="sv-SE", dateexpiry="2040-05-31")
    register.attribute(1, "SST&C", "1")
    person = imported(register, read).person()
    assert person.verifier is not None
    assert person.restrictions == ()
    assert (person.expires, person.category, person.language) == (
        date(2040, 5, 31),
        "HENKILÖ",
        "sv",
    )
    assert person.terms is True
    assert person.consent is False
    assert not person.locked
    assert not person.institution


def test_every_line_has_the_keys_that_the_importer_asks_for_and_no_more(
    register: Register,
) -> None:
    register.patron(1)
    register.patron(2, cardnumber='16"7\\Ä\n')
    lines = [json.loads(line) for line in register.export().splitlines()][1:-1]
    assert [set(line) for line in lines] == [set(KEYS)] * 2
    assert {line["card"] for line in lines} == {"167A000001", '16"7\\Ä\n'}


def test_nothing_personal_leaves_the_register(register: Register) -> None:
    register.install_plugin()
    register.patron(1, password=BCRYPT, phone="040 1234567", debarredcomment="Kommentti")
    register.patron(2, surname="Huoltaja")
    register.sql("INSERT INTO borrower_relationships VALUES (1, 2, 1, 'äiti')")
    register.sql("INSERT INTO accountlines VALUES (1, 1, 17.35, 'Lasku')")
    register.sql("INSERT INTO borrower_debarments VALUES (1, 1, NULL, 'MANUAL', 'Huuteli', 99)")
    register.attribute(1, "SSBAN", "rikkoi ikkunan")
    register.attribute(1, "HETU", "010180-999X")
    register.attribute(1, "OMA", "äiti Maija antoi luvan")
    register.block(1, "ESI", 7)
    printed = register.export(consent_attribute="OMA") + register.export("delta")
    for secret in (
        *("Möttönen", "Kotikatu", "example", "tunnus1", "Muistiinpano", "1234567", "Kommentti"),
        *("Huoltaja", "äiti", "17.35", "Lasku", "Huuteli", "ikkuna", "010180", "Maija", "Riiteli"),
    ):
        assert secret not in printed, secret


def test_who_has_no_card_or_is_anonymised_is_left_out(register: Register, read: Read) -> None:
    register.patron(1)
    register.patron(2, cardnumber=None)
    register.patron(3, cardnumber="")
    register.patron(4, anonymized=1)
    outcome = imported(register, read)
    assert [row.card for row in outcome.rows if isinstance(row, PersonRow)] == ["167A000001"]


@pytest.mark.parametrize(
    ("password", "counted"),
    [(None, {}), ("!", {}), ("", {}), ("X03MO1qnZdYdgyfeuILPmQ", {OTHER_HASH: 1})],
)
def test_what_is_no_bcrypt_gives_no_verifier_and_leaves_no_hash(
    register: Register, read: Read, password: str | None, counted: dict[str, int]
) -> None:
    register.patron(1, password=password)
    outcome = imported(register, read)
    assert outcome.person().verifier is None
    assert outcome.warnings == counted
    assert "X03MO1" not in register.export()


def test_an_expired_pin_gives_no_verifier(register: Register, read: Read) -> None:
    yesterday, tomorrow = (str(today(register) + timedelta(days)) for days in (-1, 1))
    register.patron(1, password=BCRYPT, password_expiration_date=yesterday)
    register.patron(2, password=BCRYPT, password_expiration_date=tomorrow)
    outcome = imported(register, read)
    assert outcome.person("167A000001").verifier is None
    assert outcome.person("167A000002").verifier is not None
    assert outcome.warnings == {PIN_EXPIRED: 1}


def test_ssban_blocks_everywhere_and_terms_are_as_the_register_has_them(
    register: Register, read: Read
) -> None:
    for number, ban in enumerate(("1", "BANNED", "kyllä", "0", ""), start=1):
        register.patron(number)
        register.attribute(number, "SSBAN", ban)
    for number, terms in ((1, "1"), (2, "0"), (3, "ei")):
        register.attribute(number, "SST&C", terms)
    outcome = imported(register, read)
    blocked = [outcome.person(f"167A{n:06}").restrictions for n in range(1, 6)]
    assert blocked == [(Restriction(BLOCK),)] * 3 + [()] * 2
    assert [outcome.person(f"167A{n:06}").terms for n in range(1, 5)] == [True] + [False] * 3


def test_terms_that_the_register_does_not_keep_are_unknown(register: Register, read: Read) -> None:
    register.patron(1)
    read.config = KohaConfig(terms_attribute="")
    assert imported(register, read, terms_attribute="").person().terms is None


@pytest.mark.parametrize("table", [BLOCKS, "borrower_ss_blocks"])
def test_branch_blocks_come_with_branch_and_day_of_either_table(
    register: Register, read: Read, table: str
) -> None:
    register.install_plugin(table)
    register.patron(1)
    for branch, days in (("ESI", 3), ("ESI", 60), ("POR", 10), ("POR", -1)):
        register.block(1, branch, days, table)
    now = today(register)
    assert imported(register, read).person().restrictions == (
        Restriction(BLOCK, now + timedelta(60), "ESI"),
        Restriction(BLOCK, now + timedelta(10), "POR"),
    )


def test_blocks_that_the_account_may_not_see_refuse_the_export(
    register: Register, read: Read
) -> None:
    register.preference("SSRules", "---")
    register.patron(1)
    with pytest.raises(InputError, match="branch blocks"):
        imported(register, read)
    assert imported(register, read, ss_blocks="none").warnings


def test_a_koha_without_the_plugin_needs_nothing(register: Register, read: Read) -> None:
    register.patron(1)
    outcome = imported(register, read)
    assert outcome.person().restrictions == ()
    assert outcome.warnings == {}


def test_a_wrong_name_of_the_table_ends_the_script_before_the_end(register: Register) -> None:
    register.patron(1)
    with pytest.raises(Failed) as failed:
        register.export(ss_blocks="blocks_of_nobody")
    assert '"end"' not in failed.value.output


def test_lost_debarred_and_fees(register: Register, read: Read) -> None:
    now = today(register)
    register.preference("noissuescharge", "20")
    register.patron(1, lost=1, gonenoaddress=1)
    register.patron(2, debarred="9999-12-31")
    register.patron(3, debarred=str(now + timedelta(9)))
    register.patron(4, debarred=str(now - timedelta(1)))
    register.patron(5)
    register.patron(6, gonenoaddress=1)
    for number, amounts in ((5, ("10.5", 10)), (6, (10, 10))):
        for amount in amounts:
            register.insert("accountlines", borrowernumber=number, amountoutstanding=amount)
    outcome = imported(register, read)
    assert [outcome.person(f"167A{n:06}").restrictions for n in range(1, 7)] == [
        (Restriction(RestrictionKind.LOST),),
        (Restriction(DEBARRED),),
        (Restriction(DEBARRED, now + timedelta(9)),),
        (),
        (Restriction(RestrictionKind.FEES),),
        (),
    ]


def test_of_several_debarments_the_last_counts_and_a_use_ban_is_its_own(
    register: Register, read: Read
) -> None:
    now = today(register)
    register.patron(1)
    for days, kind in ((5, "OVERDUES"), (30, "SUSPENSION"), (-5, "MANUAL"), (14, "KÄYTTÖKIELTO")):
        end = str(now + timedelta(days))
        register.insert("borrower_debarments", borrowernumber=1, expiration=end, type=kind)
    assert imported(register, read).person().restrictions == (
        Restriction(DEBARRED, now + timedelta(30)),
        Restriction(RestrictionKind.USE_BAN, now + timedelta(14)),
    )


def test_an_account_is_locked_only_while_the_register_says_so(
    register: Register, read: Read
) -> None:
    for number, attempts in ((1, 4), (2, 5), (3, 9), (4, -1)):
        register.patron(number, login_attempts=attempts)

    def locked() -> list[bool]:
        outcome = imported(register, read)
        return [outcome.person(f"167A{n:06}").locked for n in range(1, 5)]

    assert locked() == [False, False, False, True]
    register.preference("FailedLoginAttempts", "5")
    assert locked() == [False, True, True, True]
    register.preference("FailedLoginAttempts", "0")
    assert locked() == [False, False, False, True]
    register.preference("FailedLoginAttempts", "5")
    register.sql("UPDATE borrowers SET login_attempts = 0")
    assert locked() == [False] * 4


def test_an_institution_is_told_by_the_type_of_its_category(register: Register, read: Read) -> None:
    register.patron(1, categorycode="YHTEISÖ")
    register.patron(2, categorycode="LAPSI")
    register.patron(3, categorycode="POISTETTU")
    outcome = imported(register, read)
    found = [outcome.person(f"167A{n:06}") for n in (1, 2, 3)]
    assert [(p.category, p.institution) for p in found] == [
        ("YHTEISÖ", True),
        ("LAPSI", False),
        ("POISTETTU", False),
    ]


def test_ages_are_answered_and_birth_dates_forgotten(register: Register, read: Read) -> None:
    now = today(register)
    days = {1: "2000-02-29", 2: None, 3: f"{now.year - 14}-01-01", 4: "0000-00-00"}
    for number, born in days.items():
        register.patron(number, dateofbirth=born)
    near = now + timedelta(3)
    register.patron(5, dateofbirth=f"{near.year - 15}-{near:%m-%d}")
    outcome = imported(register, read)
    assert [outcome.person(f"167A{n:06}").ages for n in range(1, 6)] == [
        {13: AgeState.REACHED, 15: AgeState.REACHED},
        {13: AgeState.UNDER, 15: AgeState.UNDER},
        {13: AgeState.REACHED, 15: AgeState.UNDER},
        {13: AgeState.UNDER, 15: AgeState.UNDER},
        {13: AgeState.REACHED, 15: near},
    ]


def test_consent_is_yes_or_branches_that_exist(register: Register, read: Read) -> None:
    read.config = KohaConfig(consent_attribute="OMA")
    for number, value in enumerate(("1", "Kyllä", "esi; POR XX", "äiti lupasi", "0"), start=1):
        register.patron(number, dateofbirth="2020-01-01")
        register.attribute(number, "OMA", value)
    outcome = imported(register, read, consent_attribute="OMA")
    assert [outcome.person(f"167A{n:06}").consent for n in range(1, 6)] == [
        True,
        True,
        ("ESI", "POR"),
        False,
        False,
    ]


def test_a_delta_has_who_changed_and_always_who_is_banned_or_blocked(
    register: Register, read: Read
) -> None:
    register.install_plugin()
    for number in range(1, 5):
        register.patron(number, updated_on="2026-01-01 00:00:00")
    register.patron(5)
    register.attribute(2, "SSBAN", "1")
    register.block(3, "ESI", 5)
    register.block(4, "ESI", -5)
    outcome = imported(register, read, "delta")
    assert [row.card[-1] for row in outcome.rows if isinstance(row, PersonRow)] == list("235")
    assert kinds(outcome, "167A000003") == {BLOCK}


def test_a_delta_names_who_was_removed_but_no_card_that_has_a_new_owner(
    register: Register, read: Read
) -> None:
    register.patron(1, updated_on="2026-01-01 00:00:00")
    insert = "INSERT INTO deletedborrowers (borrowernumber, cardnumber, updated_on) VALUES "
    register.sql(f"{insert} (7, '167A000007', NOW()), (8, '167A000001', NOW()), (10, NULL, NOW())")
    register.sql(f"{insert} (9, '167A000009', '2026-01-01')")
    outcome = imported(register, read, "delta", since="2026-06-01 00:00:00")
    assert [tuple(row)[1:] for row in outcome.rows] == [("167A000007", "7", None)]


def test_a_delta_given_as_a_full_export_is_refused(register: Register, read: Read) -> None:
    register.patron(1)
    with pytest.raises(InputError, match="--delta"):
        read(register.export("delta"), full=True)


def test_the_header_says_when(register: Register) -> None:
    header = json.loads(register.export().splitlines()[0])
    exported = datetime.fromisoformat(header["exported"])
    assert abs(datetime.now(UTC) - exported) < timedelta(minutes=5)


def test_the_account_of_the_document_may_run_both_scripts_and_read_no_name(
    register: Register, read: Read
) -> None:
    register.install_plugin()
    register.preference("FailedLoginAttempts", "5")
    register.preference("SMSSendPassword", "salaisuus")
    register.patron(1, password=BCRYPT, login_attempts=5)
    register.block(1, "ESI", 7)
    statements = GRANTS.split("```sql\n")[1].split("```")[0]
    # The account logs in by its name on the system; here the tests' own account has to do.
    register.sql(statements.replace("IDENTIFIED VIA unix_socket", ""))
    try:
        assert (
            register.export(user="kioskd-export").splitlines()[1:]
            == (register.export().splitlines()[1:])
        )
        assert "167A000001" in register.export("delta", user="kioskd-export")
        for column in ("surname", "address", "email", "userid", "borrowernotes", "*"):
            with pytest.raises(Failed, match="denied"):
                register.select(column, "borrowers", "kioskd-export")
        with pytest.raises(Failed, match="denied"):
            register.select("notes", BLOCKS, "kioskd-export")
        with pytest.raises(Failed, match="denied"):
            register.select("value", "systempreferences", "kioskd-export")
        with pytest.raises(Failed, match="denied"):
            register.server.run("UPDATE borrowers SET lost = 0", "koha", "kioskd-export")
    finally:
        register.sql("DROP USER 'kioskd-export'@localhost; DROP DATABASE kioskd")


def test_both_scripts_are_the_same_below_their_settings() -> None:
    texts = [(SCRIPTS / f"patrons-{kind}.sql").read_text("utf-8") for kind in ("full", "delta")]
    full, delta = (text.partition("-- From here on") for text in texts)
    assert full[1]
    assert full[2] == delta[2]
