//! What goes to the terminal: data on stdout, messages and progress on stderr, one look for all.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;

use crate::cli::Common;

/// Structured logs on stderr; quiet unless asked.
pub(crate) fn start_logging(common: &Common) {
    let level = match common.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("TUESDAY_LOG").unwrap_or_else(|_| level.into());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
}

/// Prints a line of data. A reader that went away, such as `head`, is no fault of ours.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints the bytes of a file as they are.
pub(crate) fn text(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Prints a line for the person at the terminal.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints one JSON object on one line.
pub(crate) fn json_line(value: &Value) {
    line(&value.to_string());
}

/// A table without frames, readable at 80 columns.
pub(crate) fn table(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headers.to_vec());
    table
}

/// A progress bar on stderr; hidden where nobody watches.
pub(crate) fn progress(total: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{msg:24} {bar:32} {pos}/{len} {per_sec} {eta}")
    {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// One cause, one way out.
pub(crate) fn failure(as_json: bool, problem: &Problem) {
    if as_json {
        json_line(&json!({"error": problem}));
    }
    say(&format!("error: {}", problem.detail));
    for e in problem.errors.iter().skip(1) {
        say(&format!("       {} {}", e.field, e.detail));
    }
    if let Some(faults) = problem.more.get("faults").and_then(Value::as_array) {
        for f in faults {
            let text = |k: &str| f.get(k).and_then(Value::as_str).unwrap_or_default();
            say(&format!(
                "  {}: {}; {}",
                text("file"),
                text("message"),
                text("way_out")
            ));
        }
    }
    if let Some(way_out) = &problem.way_out {
        say(&format!("help: {way_out}"));
    }
    say(&format!(
        "code: {} (docs/errors/{}.md)",
        problem.code, problem.code
    ));
}

/// The database, a port or a file is not to be had.
pub(crate) fn unavailable(detail: impl Into<String>) -> Problem {
    Problem::new("unavailable", detail)
}
