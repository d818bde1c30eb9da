//! The console: pages rendered on the server, one file and one template for each.
//!
//! Every act is a plain form; the script only saves keystrokes. A handler reads through the store's
//! reader, acts through the engine, and never decides anything itself.

mod diff;
mod forms;
mod scale;
mod shell;
mod views;
mod words;

mod pages;
#[cfg(test)]
mod preview;
