//! The list of sizes that are over a limit for now. It can only get shorter: an entry that no
//! finding needs is itself a finding, and only sizes can be excused.
//!
//! A line is `check path[::function]  reason`; `#` starts a comment.

use super::Finding;

/// Where the list is.
pub(super) const LIST: &str = "xtask/tidy-exceptions.txt";

/// Takes away the findings that the list excuses and adds one for each fault of the list.
pub(super) fn apply(list: &str, findings: Vec<Finding>) -> Vec<Finding> {
    let mut entries: Vec<(usize, &str, &str, bool, bool)> = list
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|(index, line)| {
            let mut parts = line.trim().splitn(3, char::is_whitespace);
            let check = parts.next().unwrap_or_default();
            let place = parts.next().unwrap_or_default();
            let reason = parts.next().is_some_and(|reason| !reason.trim().is_empty());
            (index + 1, check, place, reason, false)
        })
        .collect();
    let mut left = Vec::new();
    for finding in findings {
        let entry = entries.iter_mut().find(|(_, check, place, ..)| {
            finding.excusable && *check == finding.check && *place == finding.place()
        });
        match entry {
            Some(entry) => entry.4 = true,
            None => left.push(finding),
        }
    }
    for (line, check, place, reason, needed) in entries {
        if !needed {
            let what = format!("`{check} {place}` excuses nothing");
            left.push(Finding::new(
                "exceptions",
                LIST,
                line,
                what,
                "delete the line".to_owned(),
            ));
        }
        if !reason {
            let what = format!("`{check} {place}` has no reason");
            left.push(Finding::new(
                "exceptions",
                LIST,
                line,
                what,
                "say why, after the place".to_owned(),
            ));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(function: &str) -> Finding {
        Finding::sized(
            "function-length",
            "a.rs",
            1,
            Some(function),
            "long".into(),
            "cut".into(),
        )
    }

    #[test]
    fn an_entry_excuses_exactly_its_function() {
        let left = apply(
            "# list\nfunction-length a.rs::f  a flat table\n",
            vec![long("f"), long("g")],
        );
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].place(), "a.rs::g");
    }

    #[test]
    fn an_entry_that_is_not_needed_or_has_no_reason_fails() {
        let left = apply("function-length a.rs::f  why\n", Vec::new());
        assert_eq!((left.len(), left[0].line), (1, 1));
        assert_eq!(apply("function-length a.rs::f\n", vec![long("f")]).len(), 1);
    }

    #[test]
    fn only_sizes_can_be_excused() {
        let ban = Finding::new("domain", "a.rs", 1, "clock".into(), "argument".into());
        assert_eq!(apply("domain a.rs  please\n", vec![ban]).len(), 2);
    }
}
