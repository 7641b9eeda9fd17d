"""The hub's configuration: what a good file means, and every fault of a bad one in one run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.config.walk import Notes, Place
from kioskd.errors import ConfigError
from sync.hub.config import load_hub
from sync.hub.config_leaves import database
from sync.hub.model import Branch, KohaConfig, Municipality

EXAMPLE = Path(__file__).parents[2] / "config" / "hub.toml"
LEAST = """
[hub]
listen = "127.0.0.1:8080"
database = "sqlite:////var/lib/kioskd-hub/hub.db"
key = "credential:hub-key"
"""
PLACES = """
[[hub.municipalities]]
name = "esimerkkila"
feeds = ["esi"]
[[hub.branches]]
code = "ESI"
municipality = "esimerkkila"
feeds = ["esi"]
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "hub.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def faults(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_hub(path, environ or {})
    assert all(fault.startswith(f"{path}: ") for fault in raised.value.faults)
    return [fault.removeprefix(f"{path}: ") for fault in raised.value.faults]


def test_the_example_can_be_used_as_it_stands() -> None:
    config = load_hub(EXAMPLE, {})
    assert config.warnings == ()
    assert [branch.code for branch in config.branches] == ["ESI", "NAA"]
    assert config.municipalities[0] == Municipality("esimerkkila", ("esi",))
    assert config.ages_of("naa") == (15, 18)


def test_defaults_of_the_example_are_those_of_the_code(tmp_path: Path) -> None:
    """What stands behind a `#` with `key = value` is what the code does without it."""
    config = load_hub(written(tmp_path, LEAST + PLACES), {})
    assert config.branches == (Branch("ESI", "esimerkkila", ("esi",)),)
    assert config.koha == KohaConfig("SSBAN", "SST&C", "")
    kept = (config.timezone, config.near_hours, config.tombstone_days, config.event_days)
    assert kept == ("Europe/Helsinki", 120, 30, 730)
    text = EXAMPLE.read_text(encoding="utf-8")
    for line in (
        '# timezone = "Europe/Helsinki"',
        "# near_hours = 120",
        "# tombstone_days = 30",
        "# event_days = 730",
        '# ban_attribute = "SSBAN"',
        '# terms_attribute = "SST&C"',
        '# consent_attribute = ""',
        "# minimum_age = 15",
        "# terms_required = true",
        "# categories = []",
        "# send_language = false",
        "# send_kinds = []",
    ):
        assert line in text


def test_everything_may_be_said(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        LEAST.replace("127.0.0.1:8080", "[::]:8443")
        + 'tls_cert = "/etc/tls.crt"\ntls_key = "/etc/tls.key"\ncards = ["26[0-9]{8}"]\n'
        + 'timezone = "UTC"\nnear_hours = 24\ntombstone_days = 60\nevent_days = 30\n'
        + '[hub.koha]\nconsent_attribute = "GUARD"\n'
        + PLACES
        + 'minimum_age = 0\nterms_required = false\ncategories = ["AIK"]\nsend_language = true\n'
        + 'send_kinds = ["loan-ban", "fees"]\n',
    )
    config = load_hub(path, {})
    assert config.cards == ("26[0-9]{8}",)
    assert config.koha.consent_attribute == "GUARD"
    assert config.tls_cert == Path("/etc/tls.crt")
    assert config.branches[0].send_kinds == ("loan-ban", "fees")
    assert config.branches[0].minimum_age == 0


def test_every_fault_comes_in_one_run(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
[hub]
listn = "127.0.0.1:8080"
database = "mysql://root:hunter2@db/hub"
key = "hunter2"
tombstone_days = 1
[[hub.municipalities]]
name = "esimerkkila"
feeds = ["esi"]
[[hub.branches]]
code = "ESI"
municipality = "esimerkila"
feeds = []
minimum_age = 100
send_kinds = ["loanban"]
[[hub.branches]]
code = "esi"
municipality = "esimerkkila"
feeds = ["esi", "esi"]
""",
    )
    meant = "did you mean esimerkkila?"
    assert faults(path) == [
        "hub.listn: unknown key; did you mean listen?",
        'hub.database: must be "sqlite:////path/hub.db", "postgresql://..." or "credential:NAME"',
        'hub.key: must be "file:/path/to/the/key" or "credential:NAME"',
        "hub.tombstone_days: 1 is out of range; 7 to 365",
        f'hub.branches[1].municipality: "esimerkila" is no municipality of this file; {meant}',
        "hub.branches[1].feeds: must have at least 1 in it",
        "hub.branches[1].minimum_age: 100 is out of range; 0 to 99",
        'hub.branches[1].send_kinds: "loanban" is not known; did you mean loan-ban?',
        "hub.branches[2].feeds: names something twice; each once",
        'hub.branches[2].code: "esi" is also hub.branches[1]; each once, case does not count',
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("127.0.0.1:8080", "0.0.0.0:8080"), 'hub.listen: "0.0.0.0:8080" can be reached'),
        (("127.0.0.1:8080", "127.0.0.1"), "hub.listen: must be host:port"),
        (("127.0.0.1:8080", "127.0.0.1:99999"), "hub.listen: must be host:port"),
        (("127.0.0.1:8080", "127.0.0.1.example.invalid:80"), "hub.listen: "),
        (("sqlite:////", "sqlite:///"), "hub.database: must be an absolute path"),
        (("sqlite:////var/lib/kioskd-hub/hub.db", "postgresql://db"), "hub.database: must be"),
        (("[hub]", '[hub]\ntls_cert = "/a"'), "hub.tls_key: missing; tls_cert and tls_key"),
        (("[hub]", '[hub]\ntls_cert = "a"\ntls_key = "/b"'), "hub.tls_cert: "),
        (("[hub]", "[hub]\ncards = []"), "hub.cards: must have at least 1"),
        (("[hub]", "[hub]\ncards = ['(\\d+)+']"), "hub.cards: "),
        (("[hub]", '[hub]\ntimezone = "Europe/Helsingfors"'), "hub.timezone: "),
        (("[hub]", '[hub]\nmunicipalities = "esi"'), "hub.municipalities: must be tables"),
        (("[hub]", "[hub]\nbranches = 3"), "hub.branches: must be tables"),
        (("[hub]", "[hub]\nnear_hours = 337"), "hub.near_hours: 337 is out of range; 1 to 336"),
        (("[hub]", "[hub]\nkoha = 1"), "hub.koha: must be a table"),
        (("[hub]", "[hub"), "line 2, column 5: "),
        (("[hub]", "[nub]"), "nub: unknown key; did you mean hub?"),
    ],
)
def test_a_fault_is_named_with_its_key(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    found = faults(written(tmp_path, LEAST.replace(*change)))
    assert len(found) == 1
    assert found[0].startswith(told)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert faults(tmp_path / "hub.toml") == ["there is no such file; name one with --config"]
    assert faults(tmp_path) == ["is a directory; name the file in it"]
    path = tmp_path / "hub.toml"
    path.write_bytes(b"\xff")
    assert faults(path) == ["is not UTF-8 at byte 0; save it as UTF-8"]


def test_a_database_may_stand_in_a_credential(tmp_path: Path) -> None:
    url = "postgresql://hub:hunter2@db.example.invalid/hub"
    (tmp_path / "db-url").write_text(f"{url}\n", encoding="utf-8")
    text = LEAST.replace("sqlite:////var/lib/kioskd-hub/hub.db", "credential:db-url")
    path = written(tmp_path, text + PLACES)
    config = load_hub(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert config.database == url
    assert config.warnings == ()
    assert "hunter2" not in repr(config)
    assert faults(path)[0].startswith("hub.database: credential db-url: $CREDENTIALS_DIRECTORY")
    (tmp_path / "db-url").write_text("hunter2", encoding="utf-8")
    told = faults(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "hunter2" not in told[0]
    (tmp_path / "db-url").unlink()
    told = faults(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert told == [f"hub.database: {tmp_path}/db-url: cannot be read: No such file or directory"]


def test_a_password_that_others_may_read_is_warned_about(tmp_path: Path) -> None:
    text = LEAST.replace(
        "sqlite:////var/lib/kioskd-hub/hub.db", "postgresql://hub:hunter2@127.0.0.1/hub"
    )
    path = written(tmp_path, text + PLACES)
    assert load_hub(path, {}).warnings == ()
    path.chmod(0o644)
    (warning,) = load_hub(path, {}).warnings
    assert "holds a password and others may read the file" in warning
    assert "hunter2" not in warning


@pytest.mark.parametrize(("hours", "warned"), [(120, False), (121, True), (336, True)])
def test_many_hours_in_which_a_coming_of_age_is_told_are_warned_about(
    tmp_path: Path, hours: int, *, warned: bool
) -> None:
    path = written(tmp_path, LEAST + f"near_hours = {hours}\n" + PLACES)
    warnings = load_hub(path, {}).warnings
    assert [w.startswith(f"{path}: hub.near_hours: ") for w in warnings] == [True] * warned


def test_a_feed_that_nobody_owns_is_warned_about(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST + PLACES.replace('feeds = ["esi"]\n[[', 'feeds = ["esa"]\n[['))
    (warning,) = load_hub(path, {}).warnings
    assert warning == (
        f'{path}: hub.branches[1].feeds: "esi" is no municipality\'s feed, so nothing can be '
        "imported for it; did you mean esa?"
    )


@given(
    st.sampled_from(["", "postgresql://", "postgres://u:", "sqlite:///", "mysql://u:", "x:"]),
    st.text(),
)
def test_no_password_is_ever_repeated(before: str, after: str) -> None:
    """Whatever stands there may be a URL that was typed wrong."""
    notes = Notes("f")
    Place(notes, "hub.database").take(database({}), f"{before}hunter2{after}")
    assert not any("hunter2" in fault for fault in notes.faults)
