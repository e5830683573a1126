"""The promises of the engine, verb by verb."""
