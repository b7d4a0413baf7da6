"""An emulated AWS on loopback: moto's server with a Batch that behaves as AWS documents it."""
