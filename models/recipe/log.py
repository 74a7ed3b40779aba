"""The log of a run, one JSON object a line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Log:
    """Appends one JSON object a line, with the wall time; also prints it."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "a")

    def __call__(self, **entry: Any) -> None:
        entry = {
            "time": round(time.time(), 1),
            **{k: round(v, 5) if isinstance(v, float) else v for k, v in entry.items()},
        }
        line = json.dumps(entry)
        self.file.write(line + "\n")
        self.file.flush()
        print(line, flush=True)
