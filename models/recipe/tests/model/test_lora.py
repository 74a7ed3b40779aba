"""An adapter merges to the same model."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.model.lora import adapt, merged, save_adapter
from recipe.tests.support import random_tokens, tiny


class LoraTest(unittest.TestCase):
    def test_adapter_merges_to_the_same_model(self):
        factors = np.linspace(1, 8, 16).tolist()

        def base():
            model = tiny()
            model.rope = type(model.rope)(32, 10000.0, factors, 1.1)
            return model

        model = adapt(base(), 4, 8.0)
        with torch.no_grad():
            for p in model.parameters():
                if p.requires_grad:
                    p.add_(torch.randn_like(p) * 0.05)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        adapter = Path(folder.name)
        save_adapter(model, adapter, 4, 8.0, "base")
        plain = merged(base(), adapter)
        ids = random_tokens(30, 5)
        with torch.no_grad():
            a, b = (m(ids, torch.arange(30)[None], None) for m in (model, plain))
        self.assertLess(float((a - b).abs().max()), 1e-4)
        config = json.loads((adapter / "adapter_config.json").read_text())
        self.assertEqual(config["peft_type"], "LORA")


if __name__ == "__main__":
    unittest.main()
