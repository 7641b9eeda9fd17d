"""The file itself: missing, no TOML, no UTF-8, anything at all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kioskd.config.load import load
from kioskd.config.model import Config
from kioskd.errors import ConfigError

EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("*.toml"))
Read = Callable[[str], Config]
Find = Callable[[str], list[str]]


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file.*--config"):
        load(tmp_path / "none.toml")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory"):
        load(tmp_path)


def test_a_syntax_error_names_line_and_column(faults: Find) -> None:
    (line,) = faults("[site]\nname 'x'\n")
    assert line.startswith("line 2, column 6: ")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"[site]\nname = '\xe4'", "is not UTF-8 at byte 15"),
        (b"a = " + b"[" * 5000, "nested too deep"),
        (b"#" * 1_000_001, "larger than"),
        (b"a = " + b"1" * 5000, "digits"),
        (b"\x00", "line 1"),
        (b"a = 1\na = 2", "Cannot overwrite a value"),
    ],
)
def test_what_is_no_toml_is_refused(
    written: Callable[[str | bytes], Path], raw: bytes, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(raw))
    assert len(caught.value.faults) == 1
    assert says in caught.value.faults[0]


def test_an_empty_file_names_the_tables_that_it_needs(faults: Find) -> None:
    assert faults("") == [
        f"{name}: missing; add [{name}]"
        for name in ("site", "storage", "secrets", "cards", "schedule")
    ]


def test_a_byte_order_mark_is_tolerated(good: str, written: Callable[[str | bytes], Path]) -> None:
    assert load(written(b"\xef\xbb\xbf" + good.encode())).site.branch == "ESI"


def test_reading_the_configuration_imports_nothing_heavy() -> None:
    heavy = (
        "{'holidays', 'msgspec', 'sqlalchemy', 'difflib', 'serial', 'rich', 'asyncio', 'drivers'}"
    )
    code = (
        "import sys; from pathlib import Path; from kioskd.config.load import load;"
        f"load(Path(sys.argv[1])); print(sorted({heavy} & set(sys.modules)))"
    )
    line = [sys.executable, "-P", "-c", code, str(EXAMPLES[0])]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Whatever is written, the answer is a configuration or a list of faults


scalars = st.one_of(
    st.integers(), st.booleans(), st.floats().map(str), st.just("2026-12-06"), st.text(max_size=20)
)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    escaped = "".join(f"\\U{ord(c):08x}" for c in str(value))
    return f'"{escaped}"'


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 100), scalars, st.sampled_from(["{}", "[{}]", "{{ x = {} }}"]))
def test_any_value_at_any_key_is_read_or_named(
    read: Read, good: str, index: int, value: object, shape: str
) -> None:
    lines = [line for line in good.splitlines() if line]
    settable = [n for n, line in enumerate(lines) if " = " in line]
    index = settable[index % len(settable)]
    key = lines[index].partition(" = ")[0]
    lines[index] = f"{key} = {shape.format(toml(value))}"
    try:
        read("\n".join(lines))
    except ConfigError as wrong:
        named = wrong.faults
    else:
        return
    assert any(f".{key}" in line for line in named)
    assert all(line.isprintable() for line in named)
