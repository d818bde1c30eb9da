//! Notices to a file or to the console, for installations without mail and chat.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;
use tuesday_domain::port::Message;

use super::text;

/// Appends one JSON line in one write.
pub(super) async fn append(path: PathBuf, message: &Message) -> Result<(), String> {
    let line = json!({
        "name": message.name,
        "email": message.email,
        "title": message.title,
        "link": message.link,
        "due_at": message.due_at.map(|at| at.to_string()),
    });
    let write = move || {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    };
    let done = tokio::task::spawn_blocking(write)
        .await
        .map_err(|_| "the write was cut off".to_owned())?;
    done.map_err(|e: std::io::Error| e.kind().to_string())
}

/// Writes to standard error.
pub(super) fn print(message: &Message) -> Result<(), String> {
    let line = format!(
        "notice for {} <{}>: {}\n",
        message.name,
        message.email,
        text(message)
    );
    std::io::stderr()
        .write_all(line.as_bytes())
        .map_err(|e| e.kind().to_string())
}
