//! How an entered cost is spread over its days, exactly: the parts of any division add up to the whole.

use super::day::{Day, Days};
use super::price::{amount, currency};
use crate::record::{CostBucket, CostCategory, CostEntry};
use crate::words::UnknownWord;

/// A cost as somebody enters it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCost {
    /// What kind.
    pub category: CostCategory,
    /// The workflow; absent for what several share.
    pub workflow: Option<String>,
    /// First day.
    pub from: Day,
    /// Last day, included.
    pub to: Day,
    /// Millionths of the currency.
    pub amount_micros: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Minutes of a person.
    pub minutes: Option<i64>,
    /// Whose minutes.
    pub person: Option<String>,
    /// Who is paid.
    pub vendor: Option<String>,
    /// Which budget.
    pub bucket: Option<CostBucket>,
    /// What for.
    pub words: String,
    /// The number of the invoice or time sheet; the same one counts once.
    pub reference: Option<String>,
}

/// The columns of a file of costs.
pub const COLUMNS: [&str; 12] = [
    "category",
    "workflow",
    "from",
    "to",
    "amount",
    "currency",
    "minutes",
    "person",
    "vendor",
    "bucket",
    "words",
    "reference",
];

/// What people type: every part of a cost as text, empty where it is absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed<'a> {
    /// One of the categories.
    pub category: &'a str,
    /// Workflow name.
    pub workflow: &'a str,
    /// First day.
    pub from: &'a str,
    /// Last day; the first when empty.
    pub to: &'a str,
    /// `12.50`.
    pub amount: &'a str,
    /// `EUR`.
    pub currency: &'a str,
    /// Whole minutes.
    pub minutes: &'a str,
    /// Whose minutes.
    pub person: &'a str,
    /// Who is paid.
    pub vendor: &'a str,
    /// Which budget.
    pub bucket: &'a str,
    /// What for.
    pub words: &'a str,
    /// Number of the invoice.
    pub reference: &'a str,
}

/// What is wrong, and in which field.
pub type FieldFault = (&'static str, String);

impl Typed<'_> {
    /// The cost that is meant.
    ///
    /// # Errors
    /// The first field that cannot be read.
    pub fn read(&self) -> Result<NewCost, FieldFault> {
        let some = |t: &str| Some(t.trim().to_owned()).filter(|t| !t.is_empty());
        let day = |field, t: &str| Day::parse(t).map_err(|e| (field, e.to_string()));
        let from = day("day", self.from)?;
        let word = |e: UnknownWord| e.to_string();
        Ok(NewCost {
            category: self
                .category
                .trim()
                .parse()
                .map_err(|e| ("category", word(e)))?,
            workflow: some(self.workflow),
            from,
            to: some(self.to).map_or(Ok(from), |t| day("to", &t))?,
            amount_micros: some(self.amount)
                .map(|t| amount(&t))
                .transpose()
                .map_err(|e| ("amount", e))?,
            currency: some(self.currency)
                .map(|t| currency(&t))
                .transpose()
                .map_err(|e| ("currency", e))?,
            minutes: some(self.minutes)
                .map(|t| {
                    t.parse()
                        .map_err(|_| format!("`{t}` is not a number of minutes"))
                })
                .transpose()
                .map_err(|e| ("minutes", e))?,
            person: some(self.person),
            vendor: some(self.vendor),
            bucket: some(self.bucket)
                .map(|t| t.parse())
                .transpose()
                .map_err(|e| ("bucket", word(e)))?,
            words: self.words.trim().to_owned(),
            reference: some(self.reference),
        })
    }
}

/// Reads a file of costs: CSV with the header [`COLUMNS`].
///
/// # Errors
/// Every fault with its line.
pub fn parse(csv: &str) -> Result<Vec<NewCost>, Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(csv.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(h) => h.iter().map(str::to_owned).collect(),
        Err(e) => return Err(vec![format!("line 1: {e}")]),
    };
    if header != COLUMNS {
        return Err(vec![format!("line 1: the header is {}", COLUMNS.join(","))]);
    }
    let (mut out, mut faults) = (Vec::new(), Vec::new());
    for (i, row) in reader.records().enumerate() {
        let read = row.map_err(|e| e.to_string()).and_then(|row| {
            let cell = |n: usize| row.get(n).unwrap_or_default();
            let typed = Typed {
                category: cell(0),
                workflow: cell(1),
                from: cell(2),
                to: cell(3),
                amount: cell(4),
                currency: cell(5),
                minutes: cell(6),
                person: cell(7),
                vendor: cell(8),
                bucket: cell(9),
                words: cell(10),
                reference: cell(11),
            };
            typed
                .read()
                .map_err(|(field, why)| format!("{field}: {why}"))
        });
        match read {
            Ok(cost) => out.push(cost),
            Err(why) => faults.push(format!("line {}: {why}", i + 2)),
        }
    }
    if out.is_empty() && faults.is_empty() {
        faults.push("there is no cost in it".to_owned());
    }
    if faults.is_empty() {
        Ok(out)
    } else {
        Err(faults)
    }
}

/// Most minutes that a person can have worked on a day.
const DAY_MINUTES: i64 = 24 * 60;

/// The part of `whole`, spread evenly over `over`, that falls on `within`. What does not divide goes to
/// the first days, one each.
#[must_use]
pub fn part(whole: i64, over: Days, within: Days) -> i64 {
    let upto = |day: Day| -> i128 {
        // How much has fallen before `day` begins.
        let days = i128::from(day.since(over.from).clamp(0, over.count()));
        let count = i128::from(over.count());
        let (each, rest) = (
            i128::from(whole).div_euclid(count),
            i128::from(whole).rem_euclid(count),
        );
        each * days + rest.min(days)
    };
    let sum = upto(within.to.plus(1)) - upto(within.from);
    i64::try_from(sum).unwrap_or(0)
}

/// The days an entry is spread over.
#[must_use]
pub fn days(entry: &CostEntry) -> Option<Days> {
    Some(Days {
        from: Day::parse(&entry.day_from).ok()?,
        to: Day::parse(&entry.day_to).ok()?,
    })
}

/// What is wrong with an entry that somebody makes: the field and the way to put it right.
#[must_use]
pub fn fault(entry: &CostEntry) -> Option<(&'static str, String)> {
    use crate::record::CostCategory as C;
    let Some(days) = days(entry) else {
        return Some(("day", "a day is written YYYY-MM-DD".to_owned()));
    };
    if days.to < days.from || days.count() > 3_660 {
        return Some((
            "to",
            "the last day comes after the first, within ten years".to_owned(),
        ));
    }
    if entry.words.trim().is_empty() {
        return Some(("words", "say what it was for".to_owned()));
    }
    if entry.category == C::Tokens {
        let why = "what tokens cost follows from the runs; set a price instead";
        return Some(("category", why.to_owned()));
    }
    match (entry.amount_micros, entry.minutes) {
        (Some(_), Some(_)) | (None, None) => {
            Some(("amount", "give either an amount or minutes".to_owned()))
        }
        (Some(amount), None) if amount <= 0 => Some(("amount", "more than nothing".to_owned())),
        (Some(_), None) if entry.currency.is_none() => {
            Some(("currency", "an amount has a currency".to_owned()))
        }
        (Some(_), None) => None,
        (None, Some(minutes)) => hours_fault(entry, minutes, days),
    }
}

fn hours_fault(entry: &CostEntry, minutes: i64, days: Days) -> Option<(&'static str, String)> {
    use crate::record::CostCategory as C;
    if !matches!(entry.category, C::Maintenance | C::Support | C::Review) {
        let why = "minutes are for maintenance, support and review; give an amount";
        return Some(("minutes", why.to_owned()));
    }
    if entry.person.as_deref().is_none_or(|p| p.trim().is_empty()) {
        return Some(("person", "say whose minutes they are".to_owned()));
    }
    if minutes <= 0 {
        return Some(("minutes", "more than nothing".to_owned()));
    }
    (minutes > days.count() * DAY_MINUTES).then(|| {
        let words = format!("a day has 24 hours: at most {}", days.count() * DAY_MINUTES);
        ("minutes", words)
    })
}

/// The first day on which the person of `new` would have worked more than 24 hours with what `others` say,
/// and how many minutes that would be. Entries that take others back count as what they take back.
#[must_use]
pub fn beyond_a_day(new: &CostEntry, others: &[CostEntry]) -> Option<(Day, i64)> {
    let name = |e: &CostEntry| e.person.as_deref().map(|p| p.trim().to_lowercase());
    let (whose, over) = (name(new)?, days(new)?);
    new.minutes?;
    let same: Vec<&CostEntry> = others
        .iter()
        .filter(|e| name(e) == Some(whose.clone()))
        .collect();
    let on = |e: &CostEntry, day: Day| {
        let within = Days { from: day, to: day };
        Some(part(e.minutes?, days(e)?, within))
    };
    (0..over.count()).find_map(|n| {
        let day = over.from.plus(n);
        let others: i64 = same.iter().filter_map(|e| on(e, day)).sum();
        let all = others + on(new, day)?;
        (all > DAY_MINUTES).then_some((day, all))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn days(from: &str, to: &str) -> Days {
        Days {
            from: Day::parse(from).unwrap(),
            to: Day::parse(to).unwrap(),
        }
    }

    #[test]
    fn nobody_works_more_than_a_day_in_a_day() {
        let hours = |id: u128, minutes: i64, from: &str, to: &str| CostEntry {
            id: crate::id::CostEntryId::new(uuid::Uuid::from_u128(id)),
            category: CostCategory::Maintenance,
            workflow: None,
            day_from: from.into(),
            day_to: to.into(),
            amount_micros: None,
            currency: None,
            minutes: Some(minutes),
            person: Some("tove".into()),
            vendor: None,
            bucket: None,
            words: "x".into(),
            reference: None,
            reverses: None,
            entered_by: "tove".into(),
            entered_at: crate::time::Timestamp::from_micros(0),
        };
        let day = "2026-11-17";
        let known = [hours(1, 900, day, day), hours(2, 600, "2026-11-16", day)];
        assert_eq!(beyond_a_day(&hours(3, 240, day, day), &known), None);
        let over = beyond_a_day(&hours(3, 241, day, day), &known);
        assert_eq!(over, Some((Day::parse(day).unwrap(), 1_441)));
        let mut other = hours(3, 1_440, day, day);
        other.person = Some("quin".into());
        assert_eq!(beyond_a_day(&other, &known), None);
        other.person = Some(" Tove ".into());
        assert!(beyond_a_day(&other, &known).is_some());
        let back = [hours(1, 900, day, day), hours(2, -900, day, day)];
        assert_eq!(beyond_a_day(&hours(3, 1_440, day, day), &back), None);
    }

    #[test]
    fn a_file_of_costs_is_read_whole_or_every_fault_is_named() {
        let head = COLUMNS.join(",");
        let good = format!(
            "{head}\ninfrastructure,,2026-11-01,2026-11-30,120.50,EUR,,,Host,spine,servers,inv-7\n\
             maintenance,w,2026-11-17,,,,90,tove,,,prompt,\n"
        );
        let rows = parse(&good).unwrap();
        assert_eq!(rows[0].amount_micros, Some(120_500_000));
        assert_eq!((rows[1].minutes, rows[1].to), (Some(90), rows[1].from));
        let bad = format!(
            "{head}\nfun,,2026-11-01,,1,EUR,,,,,x,\nsupport,,soon,,1,EUR,,,,,x,\nsupport,,2026-11-01,,,,soon,p,,,x,\n"
        );
        let faults = parse(&bad).unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(
            faults[0].starts_with("line 2: category:") && faults[2].starts_with("line 4: minutes:")
        );
        assert!(parse("a,b\n").is_err() && parse(&head).is_err());
    }

    #[test]
    fn what_does_not_divide_goes_to_the_first_days() {
        let month = days("2026-11-01", "2026-11-30");
        let one = |d: &str| part(100, month, days(d, d));
        assert_eq!((one("2026-11-01"), one("2026-11-10")), (4, 4));
        assert_eq!((one("2026-11-11"), one("2026-11-30")), (3, 3));
        assert_eq!((one("2026-10-31"), one("2026-12-01")), (0, 0));
        assert_eq!(part(100, month, days("2026-01-01", "2027-01-01")), 100);
    }

    proptest! {
        #[test]
        fn the_parts_of_any_division_add_up(
            whole in -2_000_000_000_000_i64..2_000_000_000_000, long in 0_i64..400, cut in 0_i64..500,
        ) {
            let from = Day::parse("2026-01-15").unwrap();
            let over = Days { from, to: from.plus(long) };
            let all = Days { from: from.plus(-50), to: from.plus(600) };
            let left = Days { from: all.from, to: all.from.plus(cut) };
            let right = Days { from: all.from.plus(cut + 1), to: all.to };
            prop_assert_eq!(part(whole, over, left) + part(whole, over, right), whole);
        }
    }
}
