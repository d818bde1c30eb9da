//! Fakes for the ports, for tests that run the engine in their own process.
