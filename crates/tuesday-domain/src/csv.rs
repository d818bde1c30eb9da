//! Tables as CSV for spreadsheets and scripts: one writer for pages, API and commands, so that no name that came
//! with an event becomes a formula in one of them.

/// A cell; quoted where it must be, and never the beginning of a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '@', '\t', '\r'])
        || (text.starts_with('-') && text.parse::<i64>().is_err());
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// A line with its end.
#[must_use]
pub fn line(cells: &[&str]) -> String {
    let mut text = cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(",");
    text.push_str("\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_numbers_stay_numbers() {
        assert_eq!(
            line(&["=1+1", "-5", "-a", "a,b", "say \"x\""]),
            "'=1+1,-5,'-a,\"a,b\",\"say \"\"x\"\"\"\r\n"
        );
    }
}
