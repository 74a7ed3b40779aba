"""The bundled reader: SmolLM2-135M-Instruct, taught to answer from given evidence, to abstain and to write gists."""
