"""What a PIN check costs here: which cost is recommended, and what is never tried."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.cli import tune_argon2
from kioskd.cli.main import main
from kioskd.cli.tune_argon2 import SHARE_OF_MEMORY, recommended
from kioskd.vault import measuring
from kioskd.vault.kdf import SITE_PARAMETERS
from kioskd.vault.measuring import TRIED, Measured, measure
from kioskd.vault.verifiers import Argon2Parameters
from tests.outside.premises import Premises

SMALL = Argon2Parameters(8192, 1, 1)


def took(memory: int, passes: int, seconds: float) -> Measured:
    return Measured(Argon2Parameters(memory, passes, 1), seconds / 2, seconds)


def test_the_dearest_that_is_fast_enough_is_recommended() -> None:
    found = [took(19456, 2, 0.1), took(65536, 2, 0.24), took(65536, 3, 0.3)]
    assert recommended(found, 0.25) == Argon2Parameters(65536, 2, 1)
    assert recommended(found, 0.05) is None
    assert recommended([], 1.0) is None


def test_what_counts_is_the_time_while_another_check_runs() -> None:
    assert recommended([Measured(SITE_PARAMETERS, 0.1, 0.3)], 0.25) is None


COST = st.builds(took, st.integers(8, 131_072), st.integers(1, 9), st.floats(0, 2))


@given(st.lists(COST), st.floats(0, 2))
def test_nothing_slow_is_recommended_and_nothing_dearer_is_left(
    found: list[Measured], limit: float
) -> None:
    best = recommended(found, limit)
    fast = [m.parameters for m in found if m.beside < limit]
    assert (best is None) is (fast == [])
    if best is not None:
        assert best in fast
        assert best.memory_kib * best.time_cost == max(p.memory_kib * p.time_cost for p in fast)


def test_the_site_s_own_cost_is_among_those_tried() -> None:
    assert SITE_PARAMETERS in TRIED


def test_a_check_is_timed_alone_and_beside_another() -> None:
    ticks = iter(range(1000))

    def clock() -> float:
        return float(next(ticks))

    found = measure(SMALL, runs=3, clock=clock)
    assert found.alone == 1.0
    assert found.beside >= 1.0


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[Argon2Parameters]:
    """Nothing is really measured; what was asked for is listed."""
    asked: list[Argon2Parameters] = []

    def pretend(parameters: Argon2Parameters) -> Measured:
        asked.append(parameters)
        return Measured(parameters, 0.01, parameters.memory_kib / 200_000)

    monkeypatch.setattr(measuring, "measure", pretend)
    return asked


@pytest.mark.parametrize("free_mib", [10, 200, 4000])
def test_no_more_than_a_quarter_of_the_free_memory_is_taken(
    free_mib: int,
    premises: Premises,
    fast: list[Argon2Parameters],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tune_argon2, "free_kib", lambda: free_mib * 1024)
    code = main(["tune-argon2", "--json", "--config", str(premises.config)])
    told = json.loads(capsys.readouterr().out)
    assert all(p.memory_kib * 2 * SHARE_OF_MEMORY <= free_mib * 1024 for p in fast)
    assert told["left_out_for_memory"] == len(TRIED) - len(fast)
    assert code == (0 if told["recommended"] else 1)


def test_the_answer_names_the_limit_and_where_the_cost_comes_from(
    premises: Premises, fast: list[Argon2Parameters], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune-argon2", "--config", str(premises.config)]) == 0
    said = capsys.readouterr().out
    assert "(default)" in said
    assert "half of deny_after_ms (100 ms)" in said
    assert "feed" in said


def test_free_memory_is_read_from_the_kernel() -> None:
    assert tune_argon2.free_kib() > 0
