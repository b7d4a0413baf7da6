"""The stages of one genome: one module each, with a function `run(stage)`."""
