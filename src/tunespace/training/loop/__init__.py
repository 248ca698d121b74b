"""The training loop: module, optimizers, callbacks, run folder, export."""
