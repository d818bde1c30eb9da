//! HTTP API, console and inbound webhooks. Reads through the store's reader, acts through the engine.

mod assets;
mod console;
