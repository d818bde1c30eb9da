//! How moments, spans, money and codes read on a page.

use std::time::Duration;

use tuesday_domain::time::{Timestamp, Zone};

pub(crate) use tuesday_domain::ledger::told::{count, money};

/// A due time: its tone and its words.
pub(crate) struct Due {
    pub(crate) tone: &'static str,
    pub(crate) words: String,
}

/// How long until `due`, or how long over it.
pub(crate) fn due(due: Timestamp, now: Timestamp) -> Due {
    if due < now {
        return Due {
            tone: "bad late",
            words: format!("{} over", span(now.since(due))),
        };
    }
    let left = due.since(now);
    let tone = if left < Duration::from_secs(3_600) {
        "warn clock"
    } else {
        "clock"
    };
    Due {
        tone,
        words: span(left),
    }
}

/// A span in one unit, or in two where one would hide too much: `8 min`, `2 h 10 min`, `3 d`.
pub(crate) fn span(d: Duration) -> String {
    match d.as_secs() {
        0 => format!("{} ms", d.as_millis()),
        s @ 1..=59 => format!("{s} s"),
        s @ 60..=3_599 => format!("{} min", s / 60),
        s @ 3_600..=86_399 if (s % 3_600) / 60 > 0 && s < 6 * 3_600 => {
            format!("{} h {} min", s / 3_600, (s % 3_600) / 60)
        }
        s @ 3_600..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

/// A measured time in microseconds: `0.4 ms`, `38 ms`, `3.8 s`, `37 min 44 s`.
pub(crate) fn took(us: i64) -> String {
    match us.max(0) {
        us @ 0..=9_999 => format!("{}.{} ms", us / 1_000, (us % 1_000) / 100),
        us @ 10_000..=999_999 => format!("{} ms", us / 1_000),
        us @ 1_000_000..=59_999_999 => {
            format!("{}.{} s", us / 1_000_000, (us % 1_000_000) / 100_000)
        }
        us @ 60_000_000..=3_599_999_999 => format!(
            "{} min {} s",
            us / 60_000_000,
            (us % 60_000_000) / 1_000_000
        ),
        us => span(Duration::from_micros(us.unsigned_abs())),
    }
}

/// `1 case`, `3 cases`.
pub(crate) fn plural(n: u64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{} {one}s", count(n))
    }
}

/// A code such as `conflicting_sources` as a person reads it.
pub(crate) fn code(word: &str) -> String {
    let mut out = word.replace('_', " ");
    if let Some(first) = out.get(..1) {
        let upper = first.to_uppercase();
        out.replace_range(..1, &upper);
    }
    out
}

/// A way to sign in.
pub(crate) fn way(word: &str) -> String {
    match word {
        "oidc" => "Company account".to_owned(),
        "totp" => "Codes from a phone".to_owned(),
        "recovery" => "Recovery codes".to_owned(),
        other => code(other),
    }
}

/// A moment in RFC 3339 as local date and time; nothing for what is none.
pub(crate) fn moment(text: &str, zone: Option<&Zone>) -> String {
    let at = Timestamp::parse(text).ok();
    at.map(|at| local(at, zone)).unwrap_or_default()
}

/// Date and time to the minute with the zone it is read in: pages of one workflow read in its own, lists of
/// several in UTC, and nobody should have to know which page is which.
pub(crate) fn local(at: Timestamp, zone: Option<&Zone>) -> String {
    match zone {
        Some(zone) => {
            let there = zone.local(at);
            let minute: String = there.chars().take(16).collect();
            format!("{minute} {}", ahead(at, &there))
        }
        None => format!(
            "{} UTC",
            at.rfc3339()
                .replace('T', " ")
                .chars()
                .take(16)
                .collect::<String>()
        ),
    }
}

/// In which zone the times of a page are read: `UTC+1`.
pub(crate) fn reading(at: Timestamp, zone: Option<&Zone>) -> String {
    zone.map_or_else(|| "UTC".to_owned(), |zone| ahead(at, &zone.local(at)))
}

/// How far a wall clock is ahead of UTC: `UTC`, `UTC+1`, `UTC+5:30`, `UTC-8`.
fn ahead(at: Timestamp, there: &str) -> String {
    let Ok(read) = Timestamp::parse(&format!("{}Z", there.replace(' ', "T"))) else {
        return "local time".to_owned();
    };
    let minutes = read.micros().div_euclid(60_000_000) - at.micros().div_euclid(60_000_000);
    let sign = if minutes < 0 { '-' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
    }
}

/// Local clock time to the second.
pub(crate) fn clock(at: Timestamp, zone: Option<&Zone>) -> String {
    match zone {
        Some(zone) => zone.local(at).chars().skip(11).collect(),
        None => at.rfc3339().chars().skip(11).take(8).collect(),
    }
}

/// The last eight characters of an id: the random part, enough to tell cases apart by eye.
pub(crate) fn short(id: &str) -> String {
    let tail: String = id
        .chars()
        .skip(id.chars().count().saturating_sub(8))
        .collect();
    match id.split_once('_') {
        Some((prefix, _)) => format!("{prefix} …{tail}"),
        None => tail,
    }
}

/// A routing reason without its bookkeeping: `Route review by desk (rule r8, rules version 1): Not
/// sure enough` reads `Not sure enough`; the rule and its version stand elsewhere on the page.
pub(crate) fn reason(line: &str) -> &str {
    let Some((before, after)) = line.split_once(" (rule ") else {
        return line;
    };
    match after.split_once("): ") {
        Some((_, words)) => words,
        None => before,
    }
}

/// A recorded move as people read it: `run received queued` reads `run received → queued`.
pub(crate) fn moved(text: &str) -> String {
    let mut words = text.split_whitespace();
    let noun = words.next().unwrap_or_default();
    let name = match noun {
        "action" => words
            .next()
            .map(|n| n.split('#').next().unwrap_or(n).to_owned()),
        "review" => words.next().map(|_| noun.to_owned()),
        _ => None,
    };
    let states = words.filter(|w| !names_a_row(w));
    let states: Vec<String> = states.map(|w| w.replace('_', " ")).collect();
    format!("{} {}", name.as_deref().unwrap_or(noun), states.join(" → "))
}

/// An id, which tells a reader nothing.
fn names_a_row(word: &str) -> bool {
    word.split_once('_').is_some_and(|(_, tail)| {
        tail.len() == 26 && tail.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// An author such as `person:dana` without what is plain from the name.
pub(crate) fn author(text: &str) -> &str {
    text.strip_prefix("person:")
        .or_else(|| text.strip_prefix("system:"))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let s = Duration::from_secs;
        assert_eq!(span(s(8 * 60 + 20)), "8 min");
        assert_eq!(span(s(2 * 3600 + 600)), "2 h 10 min");
        assert_eq!(span(s(26 * 3600)), "26 h");
        assert_eq!(took(3_840_000), "3.8 s");
        assert_eq!(took(2_264_000_000), "37 min 44 s");
    }

    #[test]
    fn a_moment_says_in_which_zone_it_is_read() {
        let at = Timestamp::from_micros(1_795_355_290_000_000);
        let there = |name: &str| {
            let zone = Zone::named(name).ok();
            zone.map_or_else(String::new, |zone| local(at, Some(&zone)))
        };
        assert_eq!(local(at, None), "2026-11-22 13:48 UTC");
        assert_eq!(there("UTC"), "2026-11-22 13:48 UTC");
        assert_eq!(there("Europe/Berlin"), "2026-11-22 14:48 UTC+1");
        assert_eq!(there("Asia/Kolkata"), "2026-11-22 19:18 UTC+5:30");
        assert_eq!(there("America/Los_Angeles"), "2026-11-22 05:48 UTC-8");
        assert_eq!(there("America/St_Johns"), "2026-11-22 10:18 UTC-3:30");
    }

    #[test]
    fn money_and_counts() {
        assert_eq!(money(14_200), "0.0142");
        assert_eq!(money(5_010_000), "5.01");
        assert_eq!(money(-2_500_000), "-2.50");
        assert_eq!(count(1_204_551), "1,204,551");
        assert_eq!(plural(1, "case"), "1 case");
        assert_eq!(code("conflicting_sources"), "Conflicting sources");
    }

    #[test]
    fn records_read_as_sentences() {
        assert_eq!(
            reason("Route review by desk (rule r8, rules version 1): Not sure enough"),
            "Not sure enough"
        );
        assert_eq!(
            reason("tier is gold (rule r3, rules version 1)"),
            "tier is gold"
        );
        assert_eq!(reason("input.text is missing"), "input.text is missing");
        assert_eq!(
            moved("action row#0 proposed authorised"),
            "row proposed → authorised"
        );
        assert_eq!(
            moved("run in_review dispatching"),
            "run in review → dispatching"
        );
        assert_eq!(moved("review rev_1 open claimed"), "review open → claimed");
        assert_eq!(
            moved("alert alt_01m81r9jagexstnqq23kr4mp37 escalated notified"),
            "alert escalated → notified"
        );
    }

    #[test]
    fn a_late_task_says_so() {
        let t = Timestamp::from_micros;
        assert_eq!(due(t(0), t(480_000_000)).words, "8 min over");
        assert_eq!(due(t(480_000_000), t(0)).tone, "warn clock");
        assert_eq!(due(t(7_200_000_000), t(0)).tone, "clock");
    }
}
