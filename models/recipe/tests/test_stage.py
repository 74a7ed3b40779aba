"""The skeleton of a stage: resuming, stopping at a signal, periodic checkpoints, schedules."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import read, write
from recipe.model.optimizers import Optimizer
from recipe.schedule import Budget, Stable
from recipe.stage import Stage, drawn


class Line(Stage):
    """Fits a line to noisy points that each step draws."""

    name = "line"
    defaults = {"lr": 0.05, "warmup": 1}
    data = ()
    salt = (4,)
    log_steps = 5
    signal_at = -1
    saves = 0

    def build(self) -> None:
        self.model = torch.nn.Linear(1, 1)
        torch.nn.init.zeros_(self.model.weight)
        torch.nn.init.zeros_(self.model.bias)
        if self.state:
            self.model.load_state_dict(self.state["weights"])
        self.optimizer = Optimizer.of(self.model, self.options.lr, "adamw", weight_decay=0.0)

    def gradients(self) -> None:
        x = torch.from_numpy(self.rng.normal(size=(16, 1))).float()
        self.learn("loss", (self.model(x) - 3 * x - 1).pow(2).mean())
        self.seen += 16
        if self.step == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)

    def check(self) -> dict:
        return {"weight": float(self.model.weight.detach())}

    def evaluate(self) -> dict:
        return self.check()

    def save(self) -> None:
        type(self).saves += 1
        write(self.last, {"weights": self.model.state_dict(), **self.progress()})


class StageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for number in (signal.SIGTERM, signal.SIGINT):  # a stage takes them over
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.at = Path(folder.name)

    def run_line(self, run: str, *flags: object, stage: type[Stage] = Line) -> dict:
        with contextlib.redirect_stdout(io.StringIO()):  # the log is printed too
            return stage.main(["--run", str(self.at / run), *map(str, flags)])

    def entries(self, run: str) -> list[dict]:
        return [json.loads(line) for line in (self.at / run / "log.jsonl").read_text().splitlines()]

    def test_a_resumed_run_is_the_run_that_was_not_interrupted(self):
        # The decay share is zero, so that a longer budget does not change the rate of the first steps.
        self.run_line("whole", "--steps", 20, "--decay", 0)
        self.run_line("parts", "--steps", 12, "--decay", 0)
        resumed = self.run_line("parts", "--steps", 20, "--decay", 0)
        whole, parts = (read(self.at / run / "last.pt") for run in ("whole", "parts"))
        self.assertEqual((resumed["step"], resumed["tokens"]), (20, 320))
        self.assertEqual((whole["step"], whole["tokens"]), (parts["step"], parts["tokens"]))
        for name, value in whole["weights"].items():
            self.assertTrue(torch.equal(value, parts["weights"][name]), name)

    def test_a_signal_ends_the_run_after_its_step_and_saves(self):
        class Interrupted(Line):
            signal_at = 7

        found = self.run_line("run", "--steps", 100, stage=Interrupted)
        self.assertEqual(found["step"], 8)
        self.assertEqual(read(self.at / "run/last.pt")["step"], 8)
        self.assertEqual(self.entries("run")[-1]["event"], "end")

    def test_checkpoints_are_written_on_the_way(self):
        class Counted(Line):
            saves = 0

        self.run_line("run", "--steps", 4, "--save-seconds", 0, stage=Counted)
        self.assertEqual(Counted.saves, 5)  # after each step, and at the end

    def test_the_log_has_losses_checks_and_an_end(self):
        report = self.run_line("run", "--steps", 10)
        entries = self.entries("run")
        self.assertEqual([entry["event"] for entry in entries], ["start", "train", "train", "check", "end"])
        self.assertLess(entries[2]["loss"], entries[1]["loss"])
        self.assertEqual((entries[2]["step"], entries[2]["tokens"]), (10, 160))
        self.assertAlmostEqual(report["weight"], entries[3]["weight"], places=4)

    def test_evaluate_measures_the_checkpoint_and_trains_nothing(self):
        trained = self.run_line("run", "--steps", 10)
        before = (self.at / "run/last.pt").read_bytes()
        self.assertEqual(self.run_line("run", "--evaluate"), {"weight": trained["weight"]})
        self.assertEqual((self.at / "run/last.pt").read_bytes(), before)

    def test_a_budget_warms_up_and_falls_to_nothing(self):
        options = argparse.Namespace(steps=100, minutes=0, warmup=10, decay=0.2)
        budget = Budget(options)
        factors = [budget.factor(step) for step in range(100)]
        self.assertEqual((factors[0], factors[9], factors[50], round(factors[80], 6)), (0.1, 1.0, 1.0, 1.0))
        self.assertTrue(all(a > b for a, b in zip(factors[80:], factors[81:])))
        self.assertLess(factors[99], 0.03)
        self.assertEqual([budget.more(step) for step in (99, 100)], [True, False])

    def test_a_stable_run_goes_on_until_it_is_told_to_anneal(self):
        options = argparse.Namespace(steps=0, minutes=0, warmup=10, decay=0, decay_minutes=0)
        steady = Stable(options, 1000)
        self.assertEqual((steady.factor(5000), steady.more(10**9), steady.annealing), (1.0, True, False))
        options.decay = 4
        annealing = Stable(options, 1000)
        self.assertEqual([annealing.factor(step) for step in (1000, 1001, 1004)], [1.0, 0.5, 0.0])
        self.assertEqual([annealing.more(step) for step in (1003, 1004)], [True, False])

    def test_names_are_drawn_with_their_shares(self):
        rng = np.random.default_rng(1)
        counts = [drawn(("a", "b", "c"), [6, 2, 0], rng) for _ in range(400)]
        self.assertEqual(counts.count("c"), 0)
        self.assertTrue(270 < counts.count("a") < 330)


if __name__ == "__main__":
    unittest.main()
