"""What newcomers are told first: the newest of a topic, as long as there is anything behind it."""

from kioskd.control.broadcast import Broadcaster


async def test_a_newcomer_is_told_what_the_door_shows_now() -> None:
    broadcast = Broadcaster()
    broadcast.publish("panel:front", {"notice": "granted"})
    broadcast.publish("panel:front", {"notice": "idle"})
    listener = broadcast.listen(["panel:front"])
    assert await listener.next() == {"event": "panel:front", "notice": "idle"}


async def test_a_door_that_is_gone_shows_nothing_to_newcomers() -> None:
    """A door of the same name may come again; until it shows something, nothing is known of it."""
    broadcast = Broadcaster()
    for door in ("front", "back"):
        broadcast.publish(f"panel:{door}", {"notice": "granted"})
    broadcast.forget("panel:front")
    broadcast.forget("panel:front")
    listener = broadcast.listen(["panel:front", "panel:back"])
    assert (await listener.next())["event"] == "panel:back"
    broadcast.publish("panel:front", {"notice": "idle"})
    assert await listener.next() == {"event": "panel:front", "notice": "idle"}
