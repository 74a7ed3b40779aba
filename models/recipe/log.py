"""The log of a run: one JSON object a line, with the wall time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Log:
    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def __call__(self, **entry: Any) -> None:
        """Appends one entry to the file and prints it."""
        rounded = {key: round(value, 5) if isinstance(value, float) else value for key, value in entry.items()}
        line = json.dumps({"time": round(time.time(), 1), **rounded})
        with open(self.path, "a") as file:
            file.write(line + "\n")
        print(line, flush=True)
