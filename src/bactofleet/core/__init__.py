"""What all other packages need: configuration, sample sheet, errors, files, versions."""
