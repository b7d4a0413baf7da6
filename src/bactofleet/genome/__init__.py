"""The stages of one genome: a module each, with a function `run(stage)`."""
