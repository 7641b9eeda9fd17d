"""The lockdown: nobody but the allow-list is let in, until staff lift it. Survives a restart.

    lockdown  {"on": true, "reason"}   -> {"on", "since", "by", "reason", "changed"}
    lockdown  {"on": false, "reason"}  -> the same

It begins at once and is journalled then; it ends only after that was journalled. Doors read it at
every scan, so nobody has to be told; "done" means that they were seen to read it.
"""

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from kioskd.control.acts import Acts
from kioskd.control.people import Person
from kioskd.control.verbs import Answer, Arguments, Run, flag, only, text
from kioskd.domain.staff import Lockdown
from kioskd.errors import StoreError
from kioskd.ports import Clock, LockdownSwitch, StateFile


class LockingDown:
    """The verb over one site's switch. doors: what the doors read."""

    def __init__(
        self, acts: Acts, clock: Clock, zone: ZoneInfo, switch: LockdownSwitch, doors: StateFile
    ) -> None:
        self._acts = acts
        self._clock = clock
        self._zone = zone
        self._switch = switch
        self._doors = doors

    def verbs(self) -> Mapping[str, Run]:
        """By name."""
        return {"lockdown": self.lockdown}

    async def lockdown(self, person: Person, args: Arguments) -> Answer:
        """Begin or end it."""
        only(args, "on", "reason")
        on = flag(args, "on")
        reason = text(args, "reason") if args.get("reason") is not None else ""
        now = self._clock.moment().wall
        asked = Lockdown(on, now, person.name, reason) if on else Lockdown(on=False)
        return await (self._begin if on else self._end)(person, asked, reason)

    async def _begin(self, person: Person, asked: Lockdown, reason: str) -> Answer:
        kept = await self._kept()
        detail: dict[str, object] = {"reason": reason}
        try:
            if kept.since is None:  # one that goes on keeps who began it, and when
                await self._switch.put_lockdown(asked)
            self._seen(on=True)
        except StoreError as error:
            failed = {**detail, "why": str(error)}
            await self._acts.write_after(person, "lockdown-on.failed", detail=failed)
            raise
        await self._acts.write_after(person, "lockdown-on", detail=detail)
        return self._told(kept if kept.since else asked, changed=not kept.on)

    async def _kept(self) -> Lockdown:
        try:
            return await self._switch.lockdown_now()
        except StoreError:
            return Lockdown(on=False)  # what cannot be read is no reason not to try

    async def _end(self, person: Person, asked: Lockdown, reason: str) -> Answer:
        before = await self._switch.lockdown_now()
        async with self._acts.first(person, "lockdown-off", detail={"reason": reason}):
            await self._switch.put_lockdown(asked)
            self._seen(on=False)
        return self._told(replace(before, on=False), changed=before.on)

    def _seen(self, *, on: bool) -> None:
        """StoreError when the doors do not read what was just written."""
        if self._doors.lockdown() is not on:
            stands = "NOT locked down: shut them by hand" if on else "locked down"
            raise StoreError(
                "state.db: the doors do not read what was written to it; restart kioskd; until "
                f"then they are {stands}"
            )

    def _told(self, lockdown: Lockdown, *, changed: bool) -> Answer:
        since = lockdown.since
        return {
            "on": lockdown.on,
            "since": since.astimezone(self._zone).isoformat(timespec="seconds") if since else None,
            "by": lockdown.by,
            "reason": lockdown.reason,
            "changed": changed,
        }
