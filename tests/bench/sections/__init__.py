"""The sections of `make bench`, each with `run(options, directory)`."""
