"""What a screen shows, as JSON lines: for who watches a door without looking at it.

{"at":"...Z","door":"front","connected":true,"notice":"granted","code":"","until":null,
 "minutes":0,"opens":null,"digits":0,"pictogram":"walk","mood":"granted",
 "title":{"fi":"..."},"text":{"fi":"..."}}
"""

import json
from datetime import datetime

from kioskd.wire import shown_event
from ui.panel.following import Scene
from ui.panel.plain import clean
from ui.panel.view import View


def line(scene: Scene, now: datetime) -> str:
    """One scene as one line without its end; nothing in it makes a terminal act. now: UTC."""
    view = View(scene.shown, scene.site.place(scene.door), scene.site.languages, now)
    said = view.said()
    event = shown_event(scene.shown)
    return json.dumps(
        {
            "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "door": clean(scene.door),
            "connected": scene.connected,
            **event,
            "code": clean(event["code"]),
            "pictogram": said[view.language].pictogram.value,
            "mood": view.mood.value,
            "title": {language: clean(each.title) for language, each in said.items()},
            "text": {language: clean(each.text) for language, each in said.items()},
        },
        ensure_ascii=False,
    )
