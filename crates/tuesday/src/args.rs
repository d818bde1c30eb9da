//! What several commands read from the command line in the same way: ids, days, words, files.

use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

use tuesday_domain::problem::Problem;
use tuesday_domain::time::{Timestamp, Zone, parse_day};
use tuesday_domain::words::UnknownWord;
use tuesday_store::ReadError;

/// Most bytes read from a file or standard input; a workflow's own limit is far smaller.
const MOST_INPUT: u64 = 64 << 20;

/// A typed id; exit 2 when it is malformed.
pub(crate) fn id<T: FromStr>(text: &str, field: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|e: T::Err| Problem::new("malformed_id", e.to_string()).field(field))
}

/// One of a closed set of words.
pub(crate) fn word<T: FromStr<Err = UnknownWord>>(text: &str, field: &str) -> Result<T, Problem> {
    text.parse().map_err(|e: UnknownWord| {
        let way_out = format!("one of: {}", e.known.join(", "));
        Problem::new("bad_request", format!("`{text}` is not a {field}"))
            .field(field)
            .way_out(way_out)
    })
}

/// `yes` or `no`, where it was said.
pub(crate) fn yes_no(text: Option<&str>, field: &str) -> Result<Option<bool>, Problem> {
    match text {
        None => Ok(None),
        Some("yes") => Ok(Some(true)),
        Some("no") => Ok(Some(false)),
        Some(other) => Err(
            Problem::new("bad_request", format!("`{other}` is neither yes nor no"))
                .field(field)
                .way_out("one of: yes, no"),
        ),
    }
}

/// A calendar day.
pub(crate) fn day(text: &str, field: &str) -> Result<String, Problem> {
    parse_day(text).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
}

/// A moment: RFC 3339, or a day in `zone`. With `end` a day means its end, so that `--to D` includes D.
pub(crate) fn moment(
    text: &str,
    zone: &Zone,
    end: bool,
    field: &str,
) -> Result<Timestamp, Problem> {
    let bad = |e: String| Problem::new("bad_request", e).field(field);
    let Ok(date) = text.parse::<jiff::civil::Date>() else {
        return Timestamp::parse(text).map_err(|e| bad(e.to_string()));
    };
    let date = if end {
        date.tomorrow().map_err(|e| bad(e.to_string()))?
    } else {
        date
    };
    let start = date
        .to_zoned(zone.tz().clone())
        .map_err(|e| bad(e.to_string()))?;
    Ok(Timestamp::from_micros(start.timestamp().as_microsecond()))
}

/// The bytes of a file, or of standard input for `-`.
pub(crate) fn input(path: &Path, field: &str) -> Result<Vec<u8>, Problem> {
    let failed = |code, e: std::io::Error| {
        Problem::new(code, format!("{}: {e}", path.display())).field(field)
    };
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .lock()
            .take(MOST_INPUT + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| failed("bad_request", e))?;
    } else {
        let file = std::fs::File::open(path).map_err(|e| failed("not_found", e))?;
        file.take(MOST_INPUT + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| failed("bad_request", e))?;
    }
    if bytes.len() as u64 > MOST_INPUT {
        return Err(Problem::new(
            "body_too_large",
            format!("{} holds more than 64 MiB", path.display()),
        )
        .field(field));
    }
    Ok(bytes)
}

/// A failed read of the store, as everybody else sees it.
pub(crate) fn stored(e: ReadError) -> Problem {
    match e {
        ReadError::Unavailable(why) => Problem::new("unavailable", why),
        ReadError::Corrupt(why) => Problem::new("record_damaged", why),
    }
}

/// There is nothing under that id.
pub(crate) fn absent(id: &impl std::fmt::Display) -> Problem {
    Problem::new("not_found", format!("there is no {id}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_in_the_workflows_zone_and_its_end_is_included() {
        let zone = Zone::named("America/New_York").unwrap();
        assert_eq!(
            moment("2026-11-17", &zone, false, "from")
                .unwrap()
                .rfc3339(),
            "2026-11-17T05:00:00.000Z"
        );
        assert_eq!(
            moment("2026-11-17", &zone, true, "to").unwrap().rfc3339(),
            "2026-11-18T05:00:00.000Z"
        );
        assert_eq!(
            moment("2026-11-17T10:00:00Z", &zone, true, "to")
                .unwrap()
                .rfc3339(),
            "2026-11-17T10:00:00.000Z"
        );
        assert_eq!(
            moment("yesterday", &zone, true, "to").unwrap_err().exit(),
            2
        );
    }
}
