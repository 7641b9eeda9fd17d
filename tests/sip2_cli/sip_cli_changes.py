"""Answers of a well-behaved library, changed in one place, and findings by check."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from kioskd.daemon.ils_talk import Patron
from kioskd.health.findings import Finding
from sync.sip2.fake_ils import Act, Answer, Say
from sync.sip2.messages import Message
from tests.sip2_cli.sip_cli_site import CARD, PIN, well_behaved

Looked = Callable[..., dict[str, Finding]]
TEST_CARD = Patron(CARD, PIN)


def fresh(folder: Path) -> Iterator[Path]:
    for number in count():
        (folder / str(number)).mkdir()
        yield folder / str(number)


def found(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {f.check.removeprefix("sip2 "): f for f in findings if f.check.startswith("sip2")}


def changed(code: str, change: Callable[[Message], Message]) -> Answer:
    """A well-behaved library whose answers of one command are changed."""
    well = well_behaved()

    def answer(asked: Message) -> Sequence[Act]:
        acts = well(asked)
        return [
            Say(change(act.message)) if isinstance(act, Say) and act.message.code == code else act
            for act in acts
        ]

    return answer


def without(*names: str) -> Callable[[Message], Message]:
    def change(message: Message) -> Message:
        kept = [field for field in message.fields if field[0] not in names]
        return replace(message, fields=kept)

    return change


def with_field(name: str, value: str) -> Callable[[Message], Message]:
    def change(message: Message) -> Message:
        return replace(message, fields=[*without(name)(message).fields, (name, value)])

    return change


def and_field(name: str, value: str) -> Callable[[Message], Message]:
    return lambda message: replace(message, fields=[*message.fields, (name, value)])


def if_known(change: Callable[[Message], Message]) -> Callable[[Message], Message]:
    """Changed only for cards that the library has."""
    return lambda message: change(message) if message.first("BL") == "Y" else message


def if_right(change: Callable[[Message], Message]) -> Callable[[Message], Message]:
    """Changed only where the PIN was right."""
    return lambda message: change(message) if message.first("CQ") == "Y" else message


def with_fixed(**parts: str) -> Callable[[Message], Message]:
    return lambda message: replace(message, fixed={**message.fixed, **parts})
