"""What every room needs: configuration, sample sheet, errors, files, destinations, versions."""
