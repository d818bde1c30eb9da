//! Business rules in a prompt: amounts, customer tiers, exclusions. They belong into the decision table,
//! where ops can read and change them and every run says which one decided.
//!
//! Found by words, so that a fault can be explained; a rule that is paraphrased well enough gets
//! through, which the second person of a release is for.

use super::super::package::fault;
use super::super::texts::FOLDER;
use super::super::{Definition, PackageFault};
use super::Lint;
use crate::rules::{ColumnType, RuleSet};

/// Marks of money.
const CURRENCIES: [&str; 12] = [
    "usd", "eur", "gbp", "chf", "sek", "nok", "dkk", "dollar", "dollars", "euro", "euros", "pounds",
];
/// Words that make a number a limit.
const LIMITS: [&str; 10] = [
    "over",
    "above",
    "below",
    "under",
    "exceeds",
    "exceeding",
    "than",
    "least",
    "most",
    "within",
];
/// Phrases that take cases out, or let them through.
const EXCLUSIONS: [&str; 9] = [
    "exclude ",
    "excluded",
    "except for",
    "except when",
    "not eligible",
    "always approve",
    "never approve",
    "automatically approve",
    "do not approve",
];

impl Lint<'_> {
    pub(super) fn prompt_rules(&mut self, def: &Definition, rules: Option<&RuleSet>) {
        let tiers = tiers(def, rules);
        let mut found: Vec<PackageFault> = Vec::new();
        // A text that the prompt includes is a part of the prompt.
        let texts = self.package.files.iter();
        let texts = texts.filter(|(name, _)| name.starts_with(FOLDER));
        let prompt = self.package.files.get_key_value(&def.model.prompt);
        for (name, text) in prompt.into_iter().chain(texts) {
            for (number, line) in (1..).zip(without_template(text).lines()) {
                if let Some(what) = rule_in(line, &tiers) {
                    found.push(fault(
                        name,
                        Some(number),
                        "business_rule_in_prompt",
                        &format!("a business rule stands in the prompt: {what}"),
                        "put it into rules.csv or a check, where ops can read and change it",
                    ));
                }
            }
        }
        self.faults.extend(found);
    }
}

/// Names of customer tiers and review tiers. A word that the model must answer with is no rule.
fn tiers(def: &Definition, rules: Option<&RuleSet>) -> Vec<String> {
    let mut names: Vec<String> = def.review.tier.iter().map(|t| t.name.clone()).collect();
    for column in rules.into_iter().flat_map(RuleSet::columns) {
        if column.name.contains("tier")
            && let ColumnType::OneOf { choices } = &column.kind
        {
            names.extend(choices.iter().cloned());
        }
    }
    names.retain(|n| n.len() > 2 && n != "desk");
    names
        .iter()
        .map(|n| n.to_lowercase().replace('_', " "))
        .collect()
}

/// The text with `{{ … }}` and `{% … %}` blanked: what a template reads is no rule.
fn without_template(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        out.push_str(&rest[..start]);
        let close = if rest[start..].starts_with("{{") {
            "}}"
        } else {
            "%}"
        };
        let end = rest[start..]
            .find(close)
            .map_or(rest.len(), |e| start + e + 2);
        // Line breaks stay, so that line numbers are those of the file.
        out.extend(rest[start..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn rule_in(line: &str, tiers: &[String]) -> Option<String> {
    let lower = line.to_lowercase();
    if let Some(phrase) = EXCLUSIONS.iter().find(|p| lower.contains(**p)) {
        return Some(format!("\"{}\"", phrase.trim()));
    }
    let words: Vec<&str> = lower
        .split(|c: char| !(c.is_alphanumeric() || "$€£%._".contains(c)))
        .map(|w| w.trim_matches(['.', '_']))
        .filter(|w| !w.is_empty())
        .collect();
    for (i, word) in words.iter().enumerate() {
        if !word.chars().any(|c| c.is_ascii_digit()) {
            continue;
        }
        let before = i
            .checked_sub(1)
            .and_then(|i| words.get(i))
            .copied()
            .unwrap_or("");
        let after = words.get(i + 1).copied().unwrap_or("");
        let money = word.contains(['$', '€', '£'])
            || CURRENCIES.contains(&after)
            || CURRENCIES.contains(&before)
            || ["$", "€", "£"].contains(&before);
        let share = word.ends_with('%') || ["%", "percent"].contains(&after);
        if money || (share && LIMITS.contains(&before)) {
            return Some(format!(
                "an amount, \"{}\"",
                [before, word, after].join(" ").trim()
            ));
        }
    }
    let joined = format!(" {} ", words.join(" "));
    let tier = tiers.iter().find(|t| {
        joined.contains(&format!(" {t} customer"))
            || joined.contains(&format!(" {t} client"))
            || joined.contains(&format!(" {t} account"))
            || joined.contains(&format!(" {t} tier"))
            || joined.contains(&format!(" tier {t} "))
    });
    tier.map(|t| format!("a tier, \"{t}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_tiers_and_exclusions_are_found_and_ordinary_words_are_not() {
        let tiers = ["gold".to_owned(), "key accounts".to_owned()];
        for bad in [
            "Refunds over $500 go to a person.",
            "Nothing above 1,000 EUR is approved.",
            "Allow up to € 250.",
            "A discount of more than 25 % needs the head of sales.",
            "Treat gold customers first.",
            "Customers of tier gold are never refused.",
            "Exclude the case when the buyer is a school.",
            "Automatically approve everything from Ghent.",
        ] {
            assert!(rule_in(bad, &tiers).is_some(), "{bad}");
        }
        for good in [
            "Answer with one JSON object.",
            "Write at most three sentences.",
            "Banks cut memos to 27 characters.",
            "The goldfish is a fish.",
            "When two topics appear, take the one the customer wants solved first.",
        ] {
            assert_eq!(rule_in(good, &tiers), None, "{good}");
        }
    }

    #[test]
    fn what_a_template_reads_is_no_rule_and_lines_stay() {
        let text = "a\n{{ input.amount\n }} EUR\nover 500 EUR";
        let clean = without_template(text);
        assert_eq!(clean.lines().count(), 4);
        assert!(rule_in(clean.lines().nth(3).unwrap_or_default(), &[]).is_some());
        assert_eq!(rule_in("", &[]), None);
    }
}
