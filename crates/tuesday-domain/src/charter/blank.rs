//! Words that fill a field without saying anything.

/// Texts that stand for "not answered yet", in small letters without marks around them.
const EMPTY: &[&str] = &[
    "tbd",
    "tba",
    "tbc",
    "t b d",
    "todo",
    "to do",
    "na",
    "n a",
    "none",
    "nil",
    "null",
    "nobody",
    "nothing",
    "unknown",
    "undefined",
    "pending",
    "later",
    "open",
    "soon",
    "not yet",
    "not applicable",
    "to be decided",
    "to be defined",
    "to be determined",
    "to be announced",
    "to be confirmed",
    "xxx",
    "x",
    "placeholder",
    "lorem ipsum",
];

/// Whether a text answers nothing: no letter or digit in it, or a word for "not yet".
#[must_use]
pub fn is_blank(text: &str) -> bool {
    let mut words = String::new();
    for part in text.split(|c: char| !c.is_alphanumeric()) {
        if !part.is_empty() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.extend(part.chars().flat_map(char::to_lowercase));
        }
    }
    words.is_empty() || EMPTY.contains(&words.as_str())
}

#[cfg(test)]
mod tests {
    use super::is_blank;

    #[test]
    fn words_for_not_yet_are_blank() {
        for text in [
            "",
            "  ",
            "\u{a0}",
            "-",
            "–",
            "...",
            "?",
            "TBD",
            "tbd.",
            "[TBD]",
            "T.B.D.",
            "n/a",
            "N.A.",
            "Not yet",
            "to be decided",
            "\tto do\n",
            "None",
            "x",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn answers_are_not_blank() {
        for text in [
            "0",
            "12",
            "Dana",
            "open tickets",
            "none of them by mail",
            "naïve",
        ] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
