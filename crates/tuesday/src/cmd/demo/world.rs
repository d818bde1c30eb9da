//! The stub world of the demo: a desk, a CRM, a mail system, and a set of books.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tokio::net::TcpListener;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;

use crate::files::{EXAMPLES, Examples, example_file};
use crate::out::unavailable;

/// The running stub world.
pub(crate) struct World {
    pub(crate) world: tuesday_stub::World,
    pub(crate) url: String,
}

impl World {
    /// Starts it on a free port.
    pub(crate) async fn start() -> Result<Self, Problem> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|e| unavailable(e.to_string()))?;
        let url = format!(
            "http://{}",
            listener
                .local_addr()
                .map_err(|e| unavailable(e.to_string()))?
        );
        let world = tuesday_stub::World::new();
        let served = world.clone();
        tokio::spawn(
            async move { tuesday_stub::serve(listener, served, std::future::pending()).await },
        );
        Ok(Self { world, url })
    }

    /// Values for those of a package's variables that the stub world stands for.
    pub(crate) fn vars(&self, declared: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        declared
            .keys()
            .filter(|k| *k == "desk_url")
            .map(|k| (k.clone(), self.url.clone()))
            .collect()
    }

    /// Fills the stub systems, the folders and the books with what the packages bring along; at most
    /// `queued` rows stay in the queue table. Answers how many do.
    pub(crate) fn seed(
        &self,
        dir: &Path,
        now: Timestamp,
        queued: Option<usize>,
    ) -> Result<usize, Problem> {
        let mut rows = 0;
        let at = jiff::Timestamp::from_microsecond(now.micros())
            .map_err(|e| unavailable(e.to_string()))?;
        for name in EXAMPLES {
            if let Some(text) = example_file(&format!("{name}/records/stub.json")) {
                let seed: Value =
                    serde_json::from_str(&text).map_err(|e| unavailable(e.to_string()))?;
                self.world
                    .seed(&seed, at)
                    .map_err(|e| unavailable(e.to_string()))?;
            }
            let folder = dir.join(name);
            std::fs::create_dir_all(folder.join("inbox"))
                .map_err(|e| unavailable(e.to_string()))?;
            let prefix = format!("{name}/records/");
            for path in Examples::iter().filter(|p| p.starts_with(&prefix) && p.ends_with(".csv")) {
                let text = relative_times(&example_file(&path).unwrap_or_default(), now);
                let file = folder.join(&path[prefix.len()..]);
                std::fs::write(&file, text).map_err(|e| unavailable(e.to_string()))?;
            }
            if let Some(sql) = example_file(&format!("{prefix}books.sql")) {
                rows += books(&dir.join("books.db"), &relative_times(&sql, now), queued)?;
            }
        }
        Ok(rows)
    }
}

fn books(path: &Path, sql: &str, queued: Option<usize>) -> Result<usize, Problem> {
    let failed = |e: rusqlite::Error| unavailable(format!("{}: {e}", path.display()));
    let fresh = !path.exists();
    let conn = rusqlite::Connection::open(path).map_err(failed)?;
    if fresh {
        conn.execute_batch(&format!("PRAGMA journal_mode=WAL; BEGIN; {sql} COMMIT;"))
            .map_err(failed)?;
        if let Some(most) = queued {
            let trim = "DELETE FROM match_queue WHERE id NOT IN (SELECT id FROM match_queue ORDER BY id LIMIT ?1)";
            conn.execute(trim, [i64::try_from(most).unwrap_or(i64::MAX)])
                .map_err(failed)?;
        }
    }
    let rows: i64 = conn
        .query_row(
            "SELECT count(*) FROM match_queue WHERE taken_by IS NULL",
            [],
            |r| r.get(0),
        )
        .map_err(failed)?;
    Ok(usize::try_from(rows).unwrap_or(0))
}

/// Replaces `@-3h`, `@-2d`, `@+1h`, `@-90m` by times relative to `now`.
pub(crate) fn relative_times(text: &str, now: Timestamp) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        match offset(tail) {
            Some((micros, len)) => {
                out.push_str(&Timestamp::from_micros(now.micros() + micros).rfc3339());
                rest = &tail[len..];
            }
            None => {
                out.push('@');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

fn offset(tail: &str) -> Option<(i64, usize)> {
    let sign = match tail.as_bytes().first()? {
        b'-' => -1,
        b'+' => 1,
        _ => return None,
    };
    let digits = tail[1..].bytes().take_while(u8::is_ascii_digit).count();
    let n: i64 = tail.get(1..=digits)?.parse().ok()?;
    let seconds = match tail.as_bytes().get(1 + digits)? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => return None,
    };
    Some((sign * n * seconds * 1_000_000, digits + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times_are_replaced_and_addresses_are_not() {
        let now = Timestamp::from_micros(86_400_000_000);
        assert_eq!(
            relative_times("\"@-1d\" a@b.example @-90m.", now),
            "\"1970-01-01T00:00:00.000Z\" a@b.example 1970-01-01T22:30:00.000Z."
        );
    }
}
