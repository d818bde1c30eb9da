//! The little line beside a reason: where the limit is, where the value is.

/// Positions on a line from 4 to 146.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) limit: i64,
    pub(crate) value: i64,
    pub(crate) label: String,
    pub(crate) anchor: &'static str,
    pub(crate) words: String,
}

/// Draws a comparison with one number in it, such as `amount 751` against `> 750`; anything else
/// (sets, ranges, words) has no line.
pub(crate) fn scale(value: Option<&str>, cell: &str, words: &str) -> Option<Scale> {
    let limit_text = cell.trim_start_matches(['<', '>', '=', ' ']);
    if limit_text.len() == cell.len() {
        return None;
    }
    let (value, limit) = (number(value?)?, number(limit_text)?);
    let top = value.abs().max(limit.abs()) * 1.25;
    if !(top.is_finite() && top > 0.0) {
        return None;
    }
    // Both are drawn on the same line from zero, or from the negative end when one is below zero.
    let bottom = value.min(limit).min(0.0) * 1.25;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a place on a line of 142 pixels"
    )]
    let place = |n: f64| 4 + ((n - bottom) / (top - bottom) * 142.0).round() as i64;
    let at = place(limit);
    let anchor = if at < 24 {
        "start"
    } else if at > 126 {
        "end"
    } else {
        "middle"
    };
    Some(Scale {
        limit: at,
        value: place(value),
        label: limit_text.to_owned(),
        anchor,
        words: words.to_owned(),
    })
}

fn number(text: &str) -> Option<f64> {
    text.replace(',', "")
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn one_limit_is_drawn_and_sets_are_not() {
        let s = scale(Some("1240"), "> 500", "amount 1240 is over 500").unwrap();
        assert!(s.limit < s.value && s.value <= 146);
        assert!(scale(Some("0.62"), "< 0.7", "").is_some());
        assert_eq!(scale(Some("gold"), "gold", ""), None);
        assert_eq!(scale(Some("3"), "any", ""), None);
        assert_eq!(scale(None, "> 3", ""), None);
        assert_eq!(scale(Some("0"), "> 0", ""), None);
    }
}
