//! Business rules in a prompt: amounts, customer tiers, exclusions. They belong into the decision table,
//! where ops can read and change them and every run says which one decided.
//!
//! Found by words, so that a fault can be explained; a rule that is paraphrased well enough gets
//! through, which the second person of a release is for.

use super::super::Definition;
use super::super::package::fault;
use super::super::texts::FOLDER;
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
        let mut found: Vec<(String, Option<usize>, String)> = Vec::new();
        // A text that the prompt includes is a part of the prompt.
        let texts = self.package.files.iter();
        let texts = texts.filter(|(name, _)| name.starts_with(FOLDER));
        let prompt = self.package.files.get_key_value(&def.model.prompt);
        for (name, text) in prompt.into_iter().chain(texts) {
            let lines: Vec<String> = readable(text).lines().map(str::to_owned).collect();
            for (at, line) in lines.iter().enumerate() {
                let own = rule_in(line, &tiers);
                // A sentence may go on in the next line.
                let next = lines.get(at + 1).filter(|l| !l.trim().is_empty());
                let over = || {
                    let next = next.filter(|n| rule_in(n, &tiers).is_none())?;
                    rule_in(&format!("{line} {next}"), &tiers)
                };
                if let Some(what) = own.or_else(over) {
                    found.push((name.clone(), Some(at + 1), what));
                }
            }
        }
        for words in self.described(&def.output.schema) {
            if let Some(what) = rule_in(&words, &tiers) {
                found.push((def.output.schema.clone(), None, what));
            }
        }
        self.faults
            .extend(found.into_iter().map(|(file, line, what)| {
                fault(
                    &file,
                    line,
                    "business_rule_in_prompt",
                    &format!("a business rule stands in the prompt: {what}"),
                    "put it into rules.csv or a check, where ops can read and change it",
                )
            }));
    }

    /// Every description of a schema: the model reads them as it reads the prompt.
    fn described(&self, file: &str) -> Vec<String> {
        let schema = self.package.text(file).map(serde_json::from_str);
        let mut out = Vec::new();
        let mut open: Vec<serde_json::Value> = schema.into_iter().flatten().collect();
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::Object(map) => {
                    for (key, value) in map {
                        match value {
                            serde_json::Value::String(text) if key == "description" => {
                                out.push(text);
                            }
                            value => open.push(value),
                        }
                    }
                }
                serde_json::Value::Array(all) => open.extend(all),
                _ => {}
            }
        }
        out
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

/// The text as the model may read it: of `{{ … }}` and `{% … %}` only the quoted texts stay, and a number
/// that something is compared with, as the limit that it is. What a template reads is no rule.
fn readable(text: &str) -> String {
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
        inside(&rest[start..end], &mut out);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn inside(block: &str, out: &mut String) {
    let (mut quoted, mut compared) = (None, false);
    for c in block.chars() {
        match (quoted, c) {
            // Line breaks stay, so that line numbers are those of the file.
            (_, '\n') => out.push('\n'),
            (Some(mark), c) if c == mark => {
                quoted = None;
                out.push(' ');
            }
            (Some(_), c) => out.push(c),
            (None, '"' | '\'') => {
                quoted = Some(c);
                out.push(' ');
            }
            (None, '<' | '>') => compared = true,
            (None, c) if compared && c.is_ascii_digit() => {
                compared = false;
                out.push_str(" over $");
                out.push(c);
            }
            (None, c) if compared && !matches!(c, '=' | ' ' | '-') => compared = false,
            (None, _) => {}
        }
    }
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
        let clean = readable(text);
        assert_eq!(clean.lines().count(), 4);
        assert!(rule_in(clean.lines().nth(3).unwrap_or_default(), &[]).is_some());
        assert_eq!(rule_in("", &[]), None);
    }

    #[test]
    fn a_template_hides_no_rule() {
        for bad in [
            "{{ \"Refunds over $500 go to a person.\" }}",
            "{% if input.amount > 500 %}be strict{% endif %}",
            "{% if input.amount >= 500 %}be strict{% endif %}",
            "{% set words = 'never approve' %}",
        ] {
            assert!(rule_in(&readable(bad), &[]).is_some(), "{bad}");
        }
        for good in [
            "{% if input.language == \"de\" %}Antworte deutsch.{% endif %}",
            "{% for line in input.lines %}{{ loop.index }}. {{ line.text }}\n{% endfor %}",
            "{{ input.text | truncate(400) }}",
        ] {
            assert_eq!(rule_in(&readable(good), &[]), None, "{good}");
        }
    }
}
