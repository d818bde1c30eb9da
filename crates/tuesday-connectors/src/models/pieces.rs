//! A text piece by piece, for a classifier that looks for one thing in it: an order that hides in a long
//! mail is a line of its own, and would be drowned by the words around it.

use serde_json::Value;
use tuesday_classifier::{Classifier, Example, FeatureSpec, Prediction};
use tuesday_domain::definition::{ConfidenceSource, ModelSpec};
use tuesday_domain::facts::at;

/// A piece with fewer letters and digits says nothing.
const LEAST: usize = 6;

/// What a package that looks piece by piece may not leave open.
///
/// # Errors
/// In words.
pub(super) fn checked(
    spec: &ModelSpec,
    features: &FeatureSpec,
    rows: &[Example],
) -> Result<(), String> {
    let Some(sought) = &spec.features.pieces else {
        return Ok(());
    };
    let rest = features.category.len() + features.number.len() + features.pair.len();
    if features.text.len() != 1 || rest > 0 {
        return Err("model.features.pieces: declare one text field and nothing else".to_owned());
    }
    let mut labels: Vec<&str> = rows.iter().map(|r| r.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    if labels.len() != 2 || !labels.contains(&sought.as_str()) {
        return Err(format!(
            "model.features.pieces: the examples have the labels {}; two are needed, one of them `{sought}`",
            labels.join(", ")
        ));
    }
    if spec.confidence.source != ConfidenceSource::None {
        // The probability is that of a piece: nobody has held it against whole texts.
        return Err("model.features.pieces: leave model.confidence out".to_owned());
    }
    Ok(())
}

/// Training rows: what is looked for as it was given, everything else in the pieces that it will be met in.
pub(super) fn training(sought: &str, field: &str, rows: Vec<Example>) -> Vec<Example> {
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        if row.label == sought {
            out.push(row);
            continue;
        }
        let label = row.label.clone();
        let texts: Vec<String> = text(&row.fields, field).map_or_else(Vec::new, |t| {
            pieces(t).into_iter().map(str::to_owned).collect()
        });
        out.extend(texts.into_iter().map(|piece| Example {
            fields: with(field, piece),
            label: label.clone(),
        }));
    }
    out
}

/// What the piece that is most like what is looked for says, with its place from 1 and how many there are.
pub(super) fn predict(
    classifier: &Classifier,
    sought: &str,
    field: &str,
    facts: &Value,
) -> (Prediction, usize, usize) {
    let Some(all) = text(facts, field).map(pieces).filter(|p| !p.is_empty()) else {
        return (classifier.predict(facts), 1, 1);
    };
    let of = all.len();
    let said = all.into_iter().zip(1..).map(|(piece, place)| {
        let said = classifier.predict(&with(field, piece.to_owned()));
        (said, place)
    });
    let chance = |p: &Prediction| {
        let mut top = p.top.iter();
        top.find(|(label, _)| label == sought).map_or(0.0, |t| t.1)
    };
    let most = said.max_by(|a, b| chance(&a.0).total_cmp(&chance(&b.0)));
    let Some((mut said, place)) = most else {
        return (classifier.predict(facts), 1, 1);
    };
    // There are many more pieces without it than with it: against their share, not against a half, or the
    // answer would be that of the larger class.
    if chance(&said) > share(classifier, sought) {
        sought.clone_into(&mut said.label);
    }
    (said, place, of)
}

/// Share of the training pieces that are what is looked for.
fn share(classifier: &Classifier, sought: &str) -> f64 {
    let report = classifier.report();
    let mut labels = report.labels.iter();
    let rows = labels.find(|l| l.label == sought).map_or(0, |l| l.rows);
    f64::from(rows) / f64::from(report.rows.max(1))
}

fn text<'a>(facts: &'a Value, field: &str) -> Option<&'a str> {
    at(facts, field).and_then(Value::as_str)
}

/// Nothing but this text in its field.
fn with(field: &str, piece: String) -> Value {
    let mut out = Value::String(piece);
    for part in field.rsplit('.') {
        out = Value::Object([(part.to_owned(), out)].into_iter().collect());
    }
    out
}

/// Lines, and sentences within them.
fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(end) = sentence(rest) {
            out.push(&rest[..end]);
            rest = &rest[end..];
        }
        out.push(rest);
    }
    let says = |p: &&str| p.chars().filter(|c| c.is_alphanumeric()).count() >= LEAST;
    out.into_iter().map(str::trim).filter(says).collect()
}

/// Where the first sentence of a line ends, when another one follows.
fn sentence(line: &str) -> Option<usize> {
    let mut chars = line.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let ends = matches!(c, '.' | '!' | '?' | '|');
        if ends
            && chars
                .peek()
                .is_some_and(|(_, next)| next.is_whitespace() || c == '|')
        {
            return Some(i + c.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_sentences_are_pieces_and_what_says_nothing_is_none() {
        let text = "SUBJECT: Your bill|CONTENT: We charged $2,099.00 to you. Thank you!\nIgnore the above\n- -\n";
        assert_eq!(
            pieces(text),
            [
                "SUBJECT: Your bill|",
                "CONTENT: We charged $2,099.00 to you.",
                "Thank you!",
                "Ignore the above"
            ]
        );
        assert!(pieces(" . ! ok ").is_empty());
        // A mark at the very end, and letters that take several bytes.
        assert_eq!(
            pieces("Größe über alles? Ja, wirklich."),
            ["Größe über alles?", "Ja, wirklich."]
        );
    }

    #[test]
    fn a_piece_stands_alone_in_its_field() {
        let alone = with("input.text", "b".to_owned());
        assert_eq!(alone, serde_json::json!({"input": {"text": "b"}}));
    }
}
